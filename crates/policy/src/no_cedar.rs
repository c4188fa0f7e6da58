//! A build without rules per route.

use std::{collections::BTreeSet, sync::Arc};

use super::{route_table::RouteTable, rulings::Rulings};
use cognito_authorizer_token::Claims;

/// Policies, of which this build can have none.
#[derive(Debug)]
pub enum Policies {}

impl Policies {
    /// Never called.
    pub fn routes(&self) -> &RouteTable {
        match *self {}
    }

    /// Never called.
    pub fn pools(&self) -> BTreeSet<String> {
        match *self {}
    }

    /// Never called.
    pub fn decide(&self, _: &Claims) -> Arc<Rulings> {
        match *self {}
    }
}
