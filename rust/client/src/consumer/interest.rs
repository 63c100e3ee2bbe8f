//! That a topic is read, which has the cluster ask for it.

use std::fmt;
use std::sync::Arc;

use crate::cluster::Cluster;

/// As long as it lives, refreshes ask for the topic.
pub(super) struct Interest {
    cluster: Arc<Cluster>,
    topic: Arc<str>,
}

impl Interest {
    pub(super) fn new(cluster: &Arc<Cluster>, topic: &Arc<str>) -> Self {
        cluster.hold(topic);
        Self {
            cluster: Arc::clone(cluster),
            topic: Arc::clone(topic),
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.cluster.let_go(&self.topic);
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interest({:?})", self.topic)
    }
}
