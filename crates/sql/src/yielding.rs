//! Plans that give way.
//!
//! A query ends when nobody polls it any more, at its deadline or when its client has left, so its operators have to
//! return now and then. DataFusion sees to that where rows come from. A join can make a billion rows of those before it asks
//! for the next ones, so what has several inputs gives way too, and what makes many rows of one.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::unnest::UnnestExec;

/// The same plan, with operators that give way after some batches.
pub(crate) fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if node.children().len() < 2 && !node.is::<UnnestExec>() {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>))
    })
    .data()
}
