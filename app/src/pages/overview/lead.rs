//! The state of things, in a sentence and by tier.

use scheduler::{Code, Summary, Tier};

use crate::components::stave::Line;
use crate::text;

/// The state of things in one sentence: `3 running, 37 waiting: 4 need you, 21 rate-limited.` And in
/// another what waits to be looked at.
/// Counted by the conductor, and unknown while it changes hands.
pub fn lead(summary: Option<&Summary>) -> String {
    let Some(summary) = summary else {
        return "What runs and what waits is counted again.".to_owned();
    };
    let (waiting, running) = (summary.pending.into(), summary.in_progress.into());
    let to_look_at = match summary.in_review.into() {
        0 => String::new(),
        results => format!(" {} in review.", text::grouped(results)),
    };
    if waiting + running == 0_u64 {
        return format!("Nothing is running and nothing waits.{to_look_at}");
    }
    let mut sentence = format!(
        "{} running, {} waiting",
        text::grouped(running),
        text::grouped(waiting)
    );
    let reasons = reasons(summary);
    if !reasons.is_empty() {
        sentence.push_str(": ");
        sentence.push_str(&reasons.join(", "));
    }
    sentence.push('.');
    sentence + &to_look_at
}

/// For what tasks wait, in words that add up. Codes that read the same are counted together.
fn reasons(summary: &Summary) -> Vec<String> {
    let mut groups: Vec<(Code, u32)> = Vec::new();
    for &(code, count) in summary
        .pending_by_code
        .iter()
        .filter(|(_, count)| *count > 0)
    {
        let words = text::waiting_for(code, 1);
        match groups
            .iter_mut()
            .find(|(known, _)| text::waiting_for(*known, 1) == words)
        {
            Some((_, sum)) => *sum += count,
            None => groups.push((code, count)),
        }
    }
    groups.sort_by_key(|&(code, count)| (code.tier(), std::cmp::Reverse(count)));
    groups
        .into_iter()
        .map(|(code, count)| text::waiting_for(code, count))
        .collect()
}

pub fn lines(summary: &Summary) -> Vec<Line> {
    let tiers = [
        Tier::NeedsYou,
        Tier::OtherWork,
        Tier::Capacity,
        Tier::Turn,
        Tier::Time,
    ];
    tiers.map(|tier| line(summary, tier)).into()
}

fn line(summary: &Summary, tier: Tier) -> Line {
    let of = |tier| {
        let known = summary
            .pending_by_tier
            .iter()
            .find(|(known, _)| *known == tier);
        known.map_or(0, |&(_, count)| count)
    };
    let mut codes: Vec<_> = summary
        .pending_by_code
        .iter()
        .filter(|(code, count)| code.tier() == tier && *count > 0)
        .collect();
    codes.sort_by_key(|&&(_, count)| std::cmp::Reverse(count));
    let reasons: Vec<_> = codes
        .iter()
        .map(|&&(code, count)| format!("{} {count}", text::code(code)))
        .collect();
    Line {
        tier,
        count: of(tier),
        reasons: reasons.join(" · "),
    }
}
