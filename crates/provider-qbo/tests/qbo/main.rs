//! Tests of the QuickBooks Online provider through its public seam.

#[cfg(test)]
mod credits;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod encoding_money;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod sandbox_money;
#[cfg(test)]
mod sandbox_round_trip;
#[cfg(test)]
mod support;
#[cfg(test)]
mod taxes;
#[cfg(test)]
mod totals;
#[cfg(test)]
mod world;
