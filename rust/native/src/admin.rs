//! `Admin`: a cluster's topics, settings, records and groups, as tuples that the package makes dataclasses of.

use std::collections::HashMap;

use kafkalite_client::{
    AdminConfig, BrokerDescription, ClientError, ConfigChange, ConfigResource, GroupMember,
    NewTopic, PartitionDescription, StartAt, TopicDescription, TopicPartition,
};
use kafkalite_names::ids;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::blocking::wait;
use crate::process_owned::ProcessOwned;
use crate::{errors, settings};

/// The administering side.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Admin {
    core: ProcessOwned<kafkalite_client::Admin>,
}

type Broker = (i32, String, i32, Option<String>);
type Partition = (i32, Option<i32>, Vec<i32>, Vec<i32>);
type Topic = (String, String, bool, Vec<Partition>);
type Place = (String, i32);
type OffsetAtTime = (String, i32, Option<i64>, Option<i64>);
type Member = (String, Option<String>, String, String, Option<Vec<Place>>);
type Group = (String, String, String, String, String, Broker, Vec<Member>);
type Setting = (String, Option<String>, i8, bool, bool, Option<String>);

#[pymethods]
impl Admin {
    #[new]
    fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut config = AdminConfig::default();
        settings::apply(given, |name, value| config.set(name, value))?;
        let core = kafkalite_client::Admin::new(config).map_err(|error| errors::client(&error))?;
        Ok(Self {
            core: ProcessOwned::new(core),
        })
    }

    fn describe_cluster(&self, py: Python<'_>) -> PyResult<(String, Option<i32>, Vec<Broker>)> {
        let found = asked(py, self.core.here()?.describe_cluster())?;
        let brokers = found.brokers.into_iter().map(broker).collect();
        Ok((found.cluster_id, found.controller, brokers))
    }

    fn topics(&self, py: Python<'_>) -> PyResult<Vec<Topic>> {
        let found = asked(py, self.core.here()?.topics())?;
        Ok(found.into_iter().map(topic).collect())
    }

    fn describe_topic(&self, py: Python<'_>, name: &str) -> PyResult<Topic> {
        asked(py, self.core.here()?.describe_topic(name)).map(topic)
    }

    fn create_topic(
        &self,
        py: Python<'_>,
        name: String,
        partitions: i32,
        replication_factor: i16,
        configs: HashMap<String, String>,
        dry_run: bool,
    ) -> PyResult<()> {
        let topic = NewTopic {
            name,
            partitions,
            replication_factor,
            configs: configs.into_iter().collect(),
        };
        if dry_run {
            asked(py, self.core.here()?.check_topic(&topic))
        } else {
            asked(py, self.core.here()?.create_topic(&topic))
        }
    }

    fn delete_topic(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        asked(py, self.core.here()?.delete_topic(name))
    }

    fn create_partitions(
        &self,
        py: Python<'_>,
        topic: &str,
        total: i32,
        dry_run: bool,
    ) -> PyResult<()> {
        if dry_run {
            asked(py, self.core.here()?.check_partitions(topic, total))
        } else {
            asked(py, self.core.here()?.create_partitions(topic, total))
        }
    }

    fn list_offsets(
        &self,
        py: Python<'_>,
        starts: Vec<(String, i32, i64)>,
    ) -> PyResult<Vec<OffsetAtTime>> {
        let starts: Vec<_> = starts
            .into_iter()
            .map(|(topic, partition, time)| (TopicPartition::new(topic, partition), start(time)))
            .collect();
        let found = asked(py, self.core.here()?.list_offsets(&starts))?;
        let rows = found.into_iter().map(|(of, found)| {
            let offset = found.map(|found| found.offset);
            let time = found.map(|found| found.timestamp).filter(|ms| *ms >= 0);
            (of.topic.to_string(), of.partition, offset, time)
        });
        Ok(rows.collect())
    }

    fn delete_records(
        &self,
        py: Python<'_>,
        before: Vec<(String, i32, i64)>,
    ) -> PyResult<Vec<(String, i32, i64)>> {
        let first = asked(py, self.core.here()?.delete_records(&places(before)))?;
        let rows = first
            .into_iter()
            .map(|(of, offset)| (of.topic.to_string(), of.partition, offset));
        Ok(rows.collect())
    }

    fn describe_configs(&self, py: Python<'_>, kind: &str, name: &str) -> PyResult<Vec<Setting>> {
        let resource = resource(kind, name)?;
        let found = asked(py, self.core.here()?.describe_configs(&resource))?;
        let rows = found.into_iter().map(|entry| {
            let (read_only, sensitive) = (entry.is_read_only, entry.is_sensitive);
            let documentation = entry.documentation;
            (
                entry.name,
                entry.value,
                entry.source,
                read_only,
                sensitive,
                documentation,
            )
        });
        Ok(rows.collect())
    }

    fn alter_configs(
        &self,
        py: Python<'_>,
        kind: &str,
        name: &str,
        changes: Vec<(String, String, String)>,
        dry_run: bool,
    ) -> PyResult<()> {
        let resource = resource(kind, name)?;
        let changes: Vec<_> = changes
            .iter()
            .map(|(name, how, value)| Ok((name.as_str(), change(how, value)?)))
            .collect::<PyResult<_>>()?;
        if dry_run {
            asked(py, self.core.here()?.check_configs(&resource, &changes))
        } else {
            asked(py, self.core.here()?.alter_configs(&resource, &changes))
        }
    }

    fn groups(
        &self,
        py: Python<'_>,
        states: Vec<String>,
        kinds: Vec<String>,
    ) -> PyResult<Vec<(String, String, String, String)>> {
        let found = asked(py, self.core.here()?.groups(&states, &kinds))?;
        let rows = found
            .into_iter()
            .map(|group| (group.id, group.kind, group.state, group.protocol_type));
        Ok(rows.collect())
    }

    fn describe_group(&self, py: Python<'_>, group: &str) -> PyResult<Group> {
        let found = asked(py, self.core.here()?.describe_group(group))?;
        let members = found.members.into_iter().map(member).collect();
        Ok((
            found.id,
            found.kind,
            found.state,
            found.protocol_type,
            found.assignor,
            broker(found.coordinator),
            members,
        ))
    }

    fn committed(&self, py: Python<'_>, group: &str) -> PyResult<Vec<(String, i32, i64, String)>> {
        let found = asked(py, self.core.here()?.committed(group))?;
        let rows = found
            .into_iter()
            .map(|(of, at)| (of.topic.to_string(), of.partition, at.offset, at.metadata));
        Ok(rows.collect())
    }

    fn alter_committed(
        &self,
        py: Python<'_>,
        group: &str,
        offsets: Vec<(String, i32, i64)>,
    ) -> PyResult<()> {
        asked(
            py,
            self.core.here()?.alter_committed(group, &places(offsets)),
        )
    }

    fn delete_committed(&self, py: Python<'_>, group: &str, of: Vec<Place>) -> PyResult<()> {
        let of: Vec<_> = of
            .into_iter()
            .map(|(topic, partition)| TopicPartition::new(topic, partition))
            .collect();
        asked(py, self.core.here()?.delete_committed(group, &of))
    }

    fn delete_group(&self, py: Python<'_>, group: &str) -> PyResult<()> {
        asked(py, self.core.here()?.delete_group(group))
    }

    fn close(&self) {
        if let Ok(core) = self.core.here() {
            core.close();
        }
    }
}

fn asked<T: Send>(
    py: Python<'_>,
    answer: impl Future<Output = Result<T, ClientError>> + Send,
) -> PyResult<T> {
    match wait(py, None, answer)? {
        Some(answer) => answer.map_err(|error| errors::client(&error)),
        None => Err(PyRuntimeError::new_err(
            "a wait without a limit ended without an outcome",
        )),
    }
}

fn broker(it: BrokerDescription) -> Broker {
    (it.id, it.host, it.port, it.rack)
}

fn topic(it: TopicDescription) -> Topic {
    let partition = |it: PartitionDescription| (it.partition, it.leader, it.replicas, it.in_sync);
    let partitions = it.partitions.into_iter().map(partition).collect();
    (it.name, ids::to_text(it.id), it.is_internal, partitions)
}

fn member(it: GroupMember) -> Member {
    let place = |of: TopicPartition| (of.topic.to_string(), of.partition);
    let assignment = it
        .assignment
        .map(|assigned| assigned.into_iter().map(place).collect());
    (it.id, it.instance_id, it.client_id, it.host, assignment)
}

fn places(rows: Vec<(String, i32, i64)>) -> Vec<(TopicPartition, i64)> {
    rows.into_iter()
        .map(|(topic, partition, offset)| (TopicPartition::new(topic, partition), offset))
        .collect()
}

/// Kafka's numbers for the ends; anything else is a time.
fn start(time: i64) -> StartAt {
    match time {
        -2 => StartAt::Beginning,
        -1 => StartAt::End,
        millis => StartAt::Timestamp(millis),
    }
}

fn resource(kind: &str, name: &str) -> PyResult<ConfigResource> {
    match kind {
        "topic" => Ok(ConfigResource::Topic(name.to_owned())),
        "group" => Ok(ConfigResource::Group(name.to_owned())),
        "broker" => match name.parse() {
            Ok(id) => Ok(ConfigResource::Broker(id)),
            Err(_) => Err(PyValueError::new_err(format!(
                "a broker is named by its number, not by {name:?}"
            ))),
        },
        _ => Err(PyValueError::new_err(format!(
            "topics, brokers and groups have settings, not {kind:?}"
        ))),
    }
}

fn change(how: &str, value: &str) -> PyResult<ConfigChange> {
    match how {
        "set" => Ok(ConfigChange::Set(value.to_owned())),
        "unset" => Ok(ConfigChange::Delete),
        "append" => Ok(ConfigChange::Append(value.to_owned())),
        "subtract" => Ok(ConfigChange::Subtract(value.to_owned())),
        _ => Err(PyValueError::new_err(format!("there is no change {how:?}"))),
    }
}
