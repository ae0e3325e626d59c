use std::collections::HashMap;

use crate::attack::catalogue;
use crate::suite::{Selection, Source, Suite};
use crate::verdict::ScenarioInfo;

/// Each attack stands in exactly one row, under the requirement that it attacks; and no row names anything else.
#[test]
fn each_attack_is_one_scenario_of_its_requirement() {
    let suite = Suite::load(&Source::Embedded).unwrap();
    let mut rows: HashMap<&str, Vec<&ScenarioInfo>> = HashMap::new();
    for scenario in suite.scenarios(&Selection::all()) {
        if scenario.feature.starts_with("hostile_") {
            let name = scenario.id.rsplit('/').next().unwrap_or_default();
            rows.entry(name).or_default().push(scenario);
        }
    }
    for (_, attack) in catalogue::all() {
        let found = rows.remove(attack.name).unwrap_or_default();
        let [row] = found.as_slice() else { panic!("{} stands in {} rows", attack.name, found.len()) };
        assert_eq!(row.requirements, [attack.requirement], "{}", attack.name);
        let needs: Vec<_> = row.tags.iter().filter(|tag| tag.starts_with("needs-")).map(String::as_str).collect();
        assert_eq!(needs, attack.needs().into_iter().collect::<Vec<_>>(), "{}", attack.name);
    }
    assert!(rows.is_empty(), "no attacks: {:?}", rows.keys());
}
