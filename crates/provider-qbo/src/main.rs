//! The consumer binary of `QuickBooks` Online: the worker's loop with this provider.

use std::process::ExitCode;
use std::sync::Arc;

use provider_kit::Provider as _;
use provider_qbo::Qbo;

fn main() -> ExitCode {
    runtime::process::main(
        "consumer-qbo",
        |settings| worker::Config::read(settings, Qbo.descriptor()),
        |process, config| worker::run(process, config, Arc::new(Qbo)),
    )
}
