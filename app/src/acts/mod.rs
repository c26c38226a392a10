//! What people may do from the pages: one server function an act.
//!
//! An act is a form that posts to a server function. Without scripts the function redirects back to
//! the page the form stands on, which then shows a short notice, or the form again with what was
//! typed and what is wrong with it. With scripts the [`crate::islands::acts`] island sends the very
//! same request, shows at once what the form says it [`becomes`], and takes over the page that comes
//! back: what was refused is what the page says it is, so nothing has to be undone by hand.
//!
//! # How an act is added
//!
//! 1. A row of [`permission::TABLE`]: the function's name, who may, and the route of the JSON
//!    interface that does the same, if there is one (a test holds the two to the same role).
//! 2. The function, in a file of this folder named after what it changes:
//!
//!    ```ignore
//!    /// Keeps a waiting task from starting.
//!    #[server(endpoint = "hold_task")]
//!    pub async fn hold_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
//!        let done = async {
//!            let desk = Desk::open("hold_task", &form).await?;   // who asks, may they, in which workspace
//!            let mut read = form.read();
//!            let task = read.id("task");
//!            let reason = read.optional("reason", NOTE_BYTES);
//!            read.done()?;                                       // every fault at its field
//!            desk.submit(request(task, reason)).await?;          // once, however often it is sent
//!            Ok(Done::new("Held. Nothing starts it until it is released."))
//!        };
//!        form.answer(done.await).await
//!    }
//!    ```
//!
//!    (The macro makes a type of the function's name in camel case: name a type of the core that is
//!    called alike by its path.) `Done::to` leads elsewhere, `Done::undo` offers the way back.
//!    [`Hall::open`] is the desk of acts outside every workspace. What is not a command of the
//!    conductor is made repeatable by [`Desk::id`], the same for each repetition. Words for people,
//!    never the words of an error.
//! 3. The form, wherever it is useful; `None` where this reader may not:
//!
//!    ```ignore
//!    ActForm::new("hold_task", &seat).map(|form| {
//!        let form = form.with("task", id).becomes("#task-state", view! { <StateMark state=Backlog /> });
//!        let why = form.field("reason", "Why").hint("Kept with the decision.").line();
//!        form.show("Hold", why)
//!    })
//!    ```
//!
//!    Several forms of one act on a page get an `id` each. What cannot be taken back stands in
//!    [`asking`](crate::components::act_form::asking), and says what it will do; the gravest take a
//!    `read.confirmed("confirm", "the name")`. A form that others' changes must not redraw stands
//!    outside `data-live`. An answer redraws the form that was sent wherever it stands; what around
//!    it an answer changes too is marked `data-act-region` and has an id.
//! 4. Nothing else: the function is mounted, guarded, and walked by `server/tests/suite/acts.rs` by itself.
//!
//! A secret that is shown once is made by the page that shows the form; only its hash is posted.
//!
//! [`becomes`]: crate::components::act_form::ActForm::becomes

mod desk;
mod form;
pub mod permission;
mod refused;
mod said;

pub mod decisions;
pub mod keys;
pub mod limits;
pub mod policy;
pub mod sessions;
mod task_fields;
pub mod task_text;
pub mod tasks;
pub mod tasks_together;
pub mod workspaces;

pub use desk::{Desk, Hall};
pub(crate) use form::utc;
pub use form::{Fault, Form, Reader};
pub use refused::Refused;
pub use said::{Answer, Done, Draft, Said, Typed, Undo, accepts_html, own_path, page_of};
pub(crate) use task_fields::amount_field;
