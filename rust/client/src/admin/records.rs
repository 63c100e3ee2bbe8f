//! Deletes the oldest records of partitions.

use std::collections::HashMap;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};

use super::{Admin, check};
use crate::cluster::Purpose;
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

impl Admin {
    /// Deletes what is before each offset (−1: before the end); each partition's first offset afterwards.
    pub async fn delete_records(
        &self,
        before: &[(TopicPartition, i64)],
    ) -> Result<HashMap<TopicPartition, i64>> {
        let mut first = HashMap::new();
        for (of, offset) in before {
            let limit = self.config.api_timeout;
            let _asked = self.cluster.interest(&of.topic);
            let found = self.cluster.topic(&of.topic, false, limit, "timeout");
            self.closing.or_closed(found).await?;
            let subject = of.to_string();
            let low = self
                .retrying(&format!("deleting records of {of}"), || async {
                    let leader = self
                        .cluster
                        .metadata()
                        .partition(&of.topic, of.partition)
                        .leader;
                    let leader = leader.ok_or_else(|| {
                        ClientError::broker(
                            "DeleteRecords",
                            subject.as_str(),
                            ErrorCode::LeaderNotAvailable,
                            None,
                        )
                    })?;
                    let partition = DeleteRecordsPartition {
                        partition_index: of.partition,
                        offset: *offset,
                    };
                    let topic = DeleteRecordsTopic {
                        name: of.topic.to_string(),
                        partitions: vec![partition],
                    };
                    let request = DeleteRecordsRequest {
                        topics: vec![topic],
                        timeout_ms: self.request_timeout_ms(),
                    };
                    let connection = self.cluster.connection(leader, Purpose::Ask).await?;
                    let response = connection
                        .call(&request, self.config.client.request_timeout)
                        .await?;
                    let partitions = response
                        .topics
                        .into_iter()
                        .flat_map(|topic| topic.partitions)
                        .collect();
                    let result = super::only("DeleteRecords", &subject, partitions)?;
                    check("DeleteRecords", &subject, result.error_code, None)?;
                    Ok(result.low_watermark)
                })
                .await?;
            first.insert(of.clone(), low);
        }
        Ok(first)
    }
}
