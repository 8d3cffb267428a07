//! Who may do what: the one table of roles and subjects.
//!
//! Every public function of [`Control`](crate::Control) asks here before it does anything. What a
//! role may not see is "not found"; what it may see but not do is "forbidden".

use crate::actor::Actor;
use crate::closed::closed_set;
use crate::environment::EnvironmentKind;
use crate::error::Error;

closed_set! {
    /// A person's role, from the least to the most.
    pub enum Role {
        /// Tests in sandbox environments; does not see production.
        Qa = "qa",
        /// Makes Apps and Releases, works in sandbox environments, reads production.
        Developer = "developer",
        /// Runs everything but the account.
        Operations = "operations",
        /// Everything, the account's people and settings too.
        Administrator = "administrator",
    }
}

impl Role {
    /// The role as people read it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Qa => "QA",
            Self::Developer => "Developer",
            Self::Operations => "Operations",
            Self::Administrator => "Administrator",
        }
    }
}

/// What an act is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// People, tokens of others, settings.
    Account,
    /// Clusters, registry credentials, backup commands, policies on CRDs and hooks.
    Infrastructure,
    /// Apps and Releases.
    Apps,
    /// Environments of a kind, their deployments and what else happens in them.
    Environments(EnvironmentKind),
    /// Ops and their logs, of environments of a kind.
    Ops(EnvironmentKind),
    /// The audit log.
    Audit,
}

/// How far a role goes with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It does not exist for the role.
    None,
    /// The role may see it.
    Read,
    /// The role may see and change it.
    Write,
}

/// The table. Everything else in this crate asks it.
pub const fn access(role: Role, subject: Subject) -> Access {
    use Access::{None, Read, Write};
    use EnvironmentKind::{Production, Sandbox};
    let [administrator, operations, developer, qa] = match subject {
        Subject::Account => [Write, None, None, None],
        Subject::Infrastructure => [Write, Write, Read, Read],
        Subject::Apps => [Write, Write, Write, Read],
        Subject::Environments(Sandbox) | Subject::Ops(Sandbox) => [Write, Write, Write, Write],
        Subject::Environments(Production) | Subject::Ops(Production) => [Write, Write, Read, None],
        Subject::Audit => [Read, Read, None, None],
    };
    match role {
        Role::Administrator => administrator,
        Role::Operations => operations,
        Role::Developer => developer,
        Role::Qa => qa,
    }
}

impl Actor {
    /// How far this actor goes with `subject`. For pages that offer only what would be allowed.
    pub fn access(&self, subject: Subject) -> Access {
        access(self.role(), subject)
    }

    /// Whether this actor may change `subject`.
    pub fn may_write(&self, subject: Subject) -> bool {
        self.access(subject) == Access::Write
    }

    /// The kinds of environments that exist for this actor; lists and counts cover only these.
    pub fn visible_kinds(&self) -> &'static [EnvironmentKind] {
        match self.access(Subject::Environments(EnvironmentKind::Production)) {
            Access::None => &[EnvironmentKind::Sandbox],
            Access::Read | Access::Write => EnvironmentKind::ALL,
        }
    }

    /// Whether production environments exist for this actor.
    pub fn sees_production(&self) -> bool {
        self.visible_kinds().contains(&EnvironmentKind::Production)
    }

    /// Fails unless this actor may see `subject`; `missing` is what it is told then.
    pub(crate) fn read(
        &self,
        subject: Subject,
        missing: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        if self.access(subject) == Access::None { Err(missing()) } else { Ok(()) }
    }

    /// Fails unless this actor may change `subject`: as missing where it may not see it, as
    /// forbidden (to do `act`) where it may.
    pub(crate) fn write(
        &self,
        subject: Subject,
        act: &str,
        missing: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        match self.access(subject) {
            Access::Write => Ok(()),
            Access::None => Err(missing()),
            Access::Read => Err(Error::Forbidden {
                role: self.role(),
                act: act.to_owned(),
                remedy: who_may(subject),
            }),
        }
    }
}

/// A sentence that names the roles that may change `subject`.
pub(crate) fn who_may(subject: Subject) -> String {
    let able: Vec<&str> = Role::ALL
        .iter()
        .rev()
        .filter(|role| access(**role, subject) == Access::Write)
        .map(|role| role.title())
        .collect();
    match able.as_slice() {
        [] => "Nobody can.".to_owned(),
        [only] => format!("{only} can."),
        [first @ .., last] => format!("{} or {last} can.", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EnvironmentKind::{Production, Sandbox};

    /// The table as the manual prints it: rows are subjects, columns roles from the most to the least.
    #[test]
    fn the_table() {
        let subjects = [
            Subject::Account,
            Subject::Infrastructure,
            Subject::Apps,
            Subject::Environments(Sandbox),
            Subject::Environments(Production),
            Subject::Ops(Sandbox),
            Subject::Ops(Production),
            Subject::Audit,
        ];
        let table: Vec<String> = subjects
            .iter()
            .map(|subject| {
                let cells: Vec<String> = Role::ALL
                    .iter()
                    .rev()
                    .map(|role| format!("{:?}", access(*role, *subject)))
                    .collect();
                format!("{subject:?}: {}", cells.join(" "))
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        Account: Write None None None
        Infrastructure: Write Write Read Read
        Apps: Write Write Write Read
        Environments(Sandbox): Write Write Write Write
        Environments(Production): Write Write Read None
        Ops(Sandbox): Write Write Write Write
        Ops(Production): Write Write Read None
        Audit: Read Read None None
        ");
    }

    /// What a role may see but not do is forbidden with the roles that may; the rest is missing.
    #[test]
    fn forbidden_and_missing() {
        let developer = Actor::for_test(Role::Developer);
        let qa = Actor::for_test(Role::Qa);
        let production = Subject::Environments(Production);
        let missing = || Error::not_found("environment", "northwind-prod");
        insta::assert_snapshot!(
            developer.write(production, "deploy to production", missing).unwrap_err(),
            @"your role developer does not allow you to deploy to production. Administrator or Operations can."
        );
        insta::assert_snapshot!(
            qa.write(production, "deploy to production", missing).unwrap_err(),
            @"there is no environment `northwind-prod`"
        );
        assert_eq!(qa.visible_kinds(), [Sandbox]);
        assert_eq!(developer.visible_kinds(), EnvironmentKind::ALL);
    }
}
