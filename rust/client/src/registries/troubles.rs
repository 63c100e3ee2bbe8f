//! What goes wrong, in words.

use kafkalite_coordination::registries::ConsumerId;

use super::membership::RegistryTrouble;

pub(super) fn sentence(id: &ConsumerId, group: &str, trouble: &RegistryTrouble) -> String {
    let said = match trouble {
        RegistryTrouble::Unreachable(reason) => {
            format!("has no session with ZooKeeper, which is tried again: {reason}")
        }
        RegistryTrouble::SessionLost => {
            "has lost its session with ZooKeeper: it gives up all partitions and registers anew. What was consumed since the last \
             commit comes again"
                .to_owned()
        }
        RegistryTrouble::NotRegistered(reason) => {
            format!("cannot register, which is tried again: {reason}")
        }
        RegistryTrouble::Unreadable(reason) => {
            format!("cannot find out what it is to own, which is tried again: {reason}")
        }
        RegistryTrouble::Garbage(reason) => format!("leaves something out: {reason}"),
        RegistryTrouble::NotOwned { tries, partitions } => {
            let mut names: Vec<_> = partitions.iter().take(5).map(ToString::to_string).collect();
            if partitions.len() > names.len() {
                names.push(format!("{} more", partitions.len() - names.len()));
            }
            format!(
                "could not own {} after rebalance.max.retries={tries} tries, for another consumer does: it reads the rest, and tries again \
                 when that changes. Do all of the group have the same partition.assignment.strategy?",
                names.join(", ")
            )
        }
        RegistryTrouble::Stuck(partition, reason) => {
            format!("cannot own {partition} until somebody mends this: {reason}")
        }
        RegistryTrouble::NoStart(partition, reason) => format!(
            "owns {partition} and does not read it, for nobody knows where to go on; write an offset there, or delete the node: {reason}"
        ),
        RegistryTrouble::NotCommitted(partition, reason) => {
            format!("could not commit {partition}, which the next commit tries again: {reason}")
        }
        RegistryTrouble::Robbed(partition) => {
            format!("gives up {partition}: somebody else has written its offset, and its owner's node is another's")
        }
        RegistryTrouble::NotDisowned(reason) => {
            format!("could not give up all that it should, which is tried again: {reason}")
        }
    };
    format!("consumer {id} of group {group} {said}")
}
