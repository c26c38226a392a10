//! Programs to copy: the same text is shown on the pages and run by the tests.

/// A language an agent can be attached in. Each needs nothing but what comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A shell with curl.
    Shell,
    /// Python, with its standard library alone.
    Python,
    /// TypeScript: Node 22 and later run it as it is, and so does every JavaScript of today.
    TypeScript,
}

/// An agent that is attached by copy and paste.
#[derive(Clone, Copy, Debug)]
pub struct Attach<'a> {
    /// Where the server is.
    pub url: &'a str,
    /// Its key; without one the program reads `BATON_KEY`.
    pub key: Option<&'a str>,
    /// The agent's name.
    pub agent: &'a str,
}

impl Language {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Shell, Self::Python, Self::TypeScript];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shell => "curl",
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
        }
    }
}

impl Attach<'_> {
    /// A program that says who it is, asks for work, does it, and hands it in.
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::Shell => self.shell(),
            Language::Python => self.python(),
            Language::TypeScript => self.typescript(),
        }
    }

    fn shell(&self) -> String {
        let key = self
            .key
            .map_or_else(String::new, |key| format!("BATON_KEY={}\n", in_shell(key)));
        let url = in_shell(self.url);
        let card = in_shell(&format!("{{\"name\":{}}}", quoted(self.agent)));
        format!(
            r#"{key}ask() {{
  curl -sS {url}/api/v1/"$1" -H "Authorization: Bearer $BATON_KEY" \
    -H "Content-Type: application/json" -d "$2"
}}

ask agents {card}
work=$(ask claims '{{"wait_ms":30000}}')
lease=$(printf '%s' "$work" | sed -n 's/.*"lease_id":"\([^"]*\)".*/\1/p')
epoch=$(printf '%s' "$work" | sed -n 's/.*"epoch":\([0-9]*\).*/\1/p')

# Your work goes here.
if [ -n "$lease" ]; then
  ask "leases/$lease/complete" "{{\"epoch\":$epoch,\"output\":{{\"answer\":42}}}}"
fi
"#
        )
    }

    fn python(&self) -> String {
        let key = self
            .key
            .map_or("os.environ[\"BATON_KEY\"]".to_owned(), quoted);
        let (url, name) = (quoted(self.url), quoted(self.agent));
        format!(
            r#"import json, os, urllib.request

URL = {url}
KEY = {key}

def baton(path, body):
    request = urllib.request.Request(
        f"{{URL}}/api/v1/{{path}}",
        json.dumps(body).encode(),
        {{"Authorization": f"Bearer {{KEY}}", "Content-Type": "application/json"}},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)

baton("agents", {{"name": {name}}})
while True:
    for lease in baton("claims", {{"wait_ms": 30000}})["leases"]:
        print(lease["task"]["title"])
        output = {{"answer": 42}}  # Your work goes here.
        baton(f"leases/{{lease['lease_id']}}/complete", {{"epoch": lease["epoch"], "output": output}})
"#
        )
    }

    fn typescript(&self) -> String {
        let key = self.key.map_or("process.env.BATON_KEY".to_owned(), quoted);
        let (url, name) = (quoted(self.url), quoted(self.agent));
        format!(
            r#"const url = {url};
const key = {key};

async function baton(path = "", body = {{}}) {{
  const answer = await fetch(`${{url}}/api/v1/${{path}}`, {{
    method: "POST",
    headers: {{ Authorization: `Bearer ${{key}}`, "Content-Type": "application/json" }},
    body: JSON.stringify(body),
  }});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}}

await baton("agents", {{ name: {name} }});
while (true) {{
  const {{ leases }} = await baton("claims", {{ wait_ms: 30_000 }});
  for (const lease of leases) {{
    console.log(lease.task.title);
    const output = {{ answer: 42 }}; // Your work goes here.
    await baton(`leases/${{lease.lease_id}}/complete`, {{ epoch: lease.epoch, output }});
  }}
}}

export {{}};
"#
        )
    }
}

/// Hands in a first task.
pub fn hand_in(url: &str) -> String {
    format!(
        r#"curl {}/api/v1/tasks \
  -H "Authorization: Bearer $BATON_KEY" \
  -H "Content-Type: application/json" \
  -d '{{"title":"Summarise the week"}}'
"#,
        in_shell(url)
    )
}

/// Sets a limit: what is at `path`, to what `body` says.
pub fn set(url: &str, path: &str, body: &str) -> String {
    format!(
        r#"curl -X PUT {}/api/v1/{path} \
  -H "Authorization: Bearer $BATON_KEY" \
  -H "Content-Type: application/json" \
  -d {}
"#,
        in_shell(url),
        in_shell(body)
    )
}

/// As JSON, which is how Python and TypeScript write text too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As one word of a shell, quoted only where it must be.
fn in_shell(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_stays_a_name() {
        let attach = Attach {
            url: "http://127.0.0.1:3000",
            key: Some("baton_agent_00"),
            agent: "it's \"scout\"",
        };
        assert!(
            attach
                .text(Language::Shell)
                .contains(r#"'{"name":"it'\''s \"scout\""}'"#)
        );
        assert!(
            attach
                .text(Language::Python)
                .contains(r#"{"name": "it's \"scout\""}"#)
        );
        assert!(
            attach
                .text(Language::TypeScript)
                .contains(r#"{ name: "it's \"scout\"" }"#)
        );
    }

    #[test]
    fn without_a_key_the_environment_is_read() {
        let attach = Attach {
            url: "http://127.0.0.1:3000",
            key: None,
            agent: "scout",
        };
        for language in Language::ALL {
            let text = attach.text(language);
            assert!(text.contains("BATON_KEY"), "{text}");
        }
    }
}
