//! Which files of the folder are scripts.

use super::*;

#[test]
fn scripts_are_named_after_their_provider_and_run_in_the_order_of_their_names() {
    let folder = env::temp_dir().join(format!("tieout-clients-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for name in [
        "xero_b.py",
        "qbo_c.py",
        "sandbox.py",
        "qbo_a.txt",
        "other_a.py",
    ] {
        fs::write(folder.join(name), "").unwrap();
    }
    let names = |filter: &str| {
        let scripts = scripts(&folder, filter).unwrap();
        let shown = scripts.into_iter();
        let shown = shown.map(|script| format!("{} {}", script.provider, script.name));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["qbo qbo_c.py", "xero xero_b.py"]);
    assert_eq!(names("xero"), ["xero xero_b.py"]);
    assert_eq!(names("nobody"), [""; 0]);
    fs::remove_dir_all(&folder).unwrap();
}
