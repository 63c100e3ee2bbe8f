//! The task that keeps a member in its group.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::inside::{Inside, Order, Standing};

pub(super) async fn run(inside: Arc<Inside>, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        if let Order::Close = order {
            let has_ended = true;
            let ended = Standing {
                has_ended,
                ..Standing::outside()
            };
            inside.standing.send_replace(ended);
            return;
        }
    }
}
