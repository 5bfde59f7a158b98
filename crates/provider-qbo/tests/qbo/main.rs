//! Tests of the QuickBooks Online provider through its public seam.

#[cfg(test)]
mod encoding;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod sandbox_round_trip;
#[cfg(test)]
mod support;
#[cfg(test)]
mod world;
