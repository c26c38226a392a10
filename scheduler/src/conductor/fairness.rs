//! Fair share between workspaces over what they compete for.

use super::Conductor;
use super::state::{LaneIx, Lease, ResIx, TaskIx};

impl Conductor {
    /// Start-time fair queueing (Goyal, Vin and Cheng 1996) over the pool's resources: a workspace's
    /// time goes on by what it takes of the resource it takes most of, in seconds of that whole
    /// resource, divided by its weight.
    pub(super) fn charge_fair_share(&mut self, lane: LaneIx, task: TaskIx) {
        let cost = self.fair_cost(task, self.expected_ms(task).unwrap_or(60_000) as f64 / 1e3);
        if cost <= 0.0 {
            return;
        }
        let ws = self.lanes[lane].ws;
        let workspace = &mut self.workspaces[ws];
        let start = workspace.virtual_time.max(self.virtual_time);
        self.virtual_time = start;
        workspace.virtual_time = start + cost / workspace.policy.fair_share_weight;
        self.rekey_demand(ws);
    }

    /// Slots used longer or shorter than expected are charged for what they were used.
    pub(super) fn true_up(&mut self, lease: &Lease) {
        let used = self.now.since(lease.granted_at).as_secs_f64();
        let expected = lease.expected_end.since(lease.granted_at).as_secs_f64();
        let owed = self.fair_cost(lease.task, used) - self.fair_cost(lease.task, expected);
        if owed.abs() > f64::EPSILON {
            let workspace = &mut self.workspaces[lease.ws];
            let after = workspace.virtual_time + owed / workspace.policy.fair_share_weight;
            workspace.virtual_time = after.max(0.0);
            self.rekey_demand(lease.ws);
        }
    }

    /// Seconds of the whole resource of the pool that the task takes most of.
    fn fair_cost(&self, task: TaskIx, duration_s: f64) -> f64 {
        let profile = &self.profiles[self.tasks[task].profile];
        let resources = self.lanes[profile.lane].resources.iter();
        let cost = |(need, ix): (&crate::Requirement, &Option<ResIx>)| {
            let resource = &self.resources[(*ix)?];
            let amount = f64::from(need.amount);
            resource.ws.is_none().then(|| match resource.spec.kind {
                crate::ResourceKind::Bucket { refill_per_s, .. } => amount / refill_per_s,
                crate::ResourceKind::Slots { slots } => {
                    amount * duration_s / f64::from(slots.max(1))
                }
            })
        };
        profile
            .needs
            .requires
            .iter()
            .zip(resources)
            .filter_map(cost)
            .fold(0.0, f64::max)
    }

    fn rekey_demand(&mut self, ws: super::state::WsIx) {
        for at in 0..self.workspaces[ws].groups.len() {
            let group = self.workspaces[ws].groups[at];
            if !self.groups[group].demand.is_empty() {
                self.refresh_demand(group);
            }
        }
    }
}
