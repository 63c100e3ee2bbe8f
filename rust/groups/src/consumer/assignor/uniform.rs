//! As even as subscriptions allow, and sticky.
//!
//! Everybody keeps what it had and still wants. What has no owner goes to whoever has least of those that want it. Then, as long
//! as a partition's owner has at least two more than another one that wants it, it moves there. Each move makes the sum of the
//! squares of what all have smaller, so that comes to an end; and only moves that even out are made, so no more than needed is
//! taken from anybody.

use std::collections::{BTreeMap, HashMap};

use super::{Places, Subscriber, Topic, wanted_by};

/// Nobody.
const FREE: usize = usize::MAX;

pub(super) fn assign(topics: &[Topic], subscribers: &[Subscriber<'_>]) -> Vec<Places> {
    let wanted = wanted_by(topics, subscribers);
    let mut owners: Vec<Vec<usize>> = topics
        .iter()
        .map(|topic| vec![FREE; usize::try_from(topic.partitions).unwrap_or(0)])
        .collect();
    let mut loads = vec![0_usize; subscribers.len()];
    keep(topics, subscribers, &mut owners, &mut loads);
    for (owners, wanting) in owners.iter_mut().zip(&wanted) {
        for owner in owners.iter_mut().filter(|owner| **owner == FREE) {
            let Some(&least) = wanting.iter().min_by_key(|&&index| loads[index]) else {
                break;
            };
            *owner = least;
            loads[least] += 1;
        }
    }
    while owners
        .iter_mut()
        .zip(&wanted)
        .fold(false, |moved, (owners, wanting)| {
            even_out(owners, wanting, &mut loads) || moved
        })
    {}
    let mut given = vec![Places::new(); subscribers.len()];
    for (topic, owners) in topics.iter().zip(owners) {
        for (partition, owner) in owners.into_iter().enumerate() {
            if owner != FREE {
                given[owner].insert((topic.id, partition as i32));
            }
        }
    }
    given
}

/// Leaves everybody what it had, if it is still there and still wanted.
fn keep(
    topics: &[Topic],
    subscribers: &[Subscriber<'_>],
    owners: &mut [Vec<usize>],
    loads: &mut [usize],
) {
    let by_id: HashMap<_, _> = topics.iter().map(|topic| topic.id).zip(0..).collect();
    for (index, subscriber) in subscribers.iter().enumerate() {
        for (id, partition) in subscriber.before {
            let Some(topic) = by_id.get(id) else { continue };
            if subscriber.topics.binary_search(topic).is_err() {
                continue;
            }
            let slot = usize::try_from(*partition).ok();
            if let Some(owner) = slot.and_then(|slot| owners[*topic].get_mut(slot))
                && *owner == FREE
            {
                *owner = index;
                loads[index] += 1;
            }
        }
    }
}

/// Moves partitions of one topic from who has most to who has least. Whether any was moved.
fn even_out(owners: &mut [usize], wanting: &[usize], loads: &mut [usize]) -> bool {
    let mut slots: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (slot, &owner) in owners
        .iter()
        .enumerate()
        .filter(|(_, owner)| **owner != FREE)
    {
        slots.entry(owner).or_default().push(slot);
    }
    let mut moved = false;
    loop {
        let most = slots.iter_mut().max_by_key(|(owner, _)| loads[**owner]);
        let least = wanting.iter().min_by_key(|index| loads[**index]);
        let (Some((&most, taken)), Some(&least)) = (most, least) else {
            return moved;
        };
        if loads[most] < loads[least] + 2 {
            return moved;
        }
        // The last: who was first keeps its first partitions.
        if let Some(slot) = taken.pop() {
            owners[slot] = least;
            loads[most] -= 1;
            loads[least] += 1;
            moved = true;
            slots.entry(least).or_default().push(slot);
        }
        slots.retain(|_, slots| !slots.is_empty());
    }
}
