//! The consumer binary of Xero: the worker's loop with this provider.

use std::process::ExitCode;
use std::sync::Arc;

use provider_kit::Provider as _;
use provider_xero::Xero;

fn main() -> ExitCode {
    runtime::process::main(
        "consumer-xero",
        |settings| worker::Config::read(settings, Xero.descriptor()),
        |process, config| worker::run(process, config, Arc::new(Xero)),
    )
}
