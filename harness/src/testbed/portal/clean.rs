//! Cleaning a Portal that is used again: what scenarios made in its Core is taken away.

use serde_json::Value;

use super::Portal;
use crate::testbed::error::TestbedError;
use crate::wire::Call;

impl Portal {
    /// Takes everything away but the key: by the Core's own way to reset, or else peers, apps and terminals one by one.
    ///
    /// # Errors
    /// When something stays.
    pub(super) async fn clean(&self) -> Result<(), TestbedError> {
        let hands = self.hands();
        if let Some(reset) = &hands.surface().reset {
            let done = hands.insist(reset, hands.values(), self.core_address()).await;
            return done.map_err(|error| TestbedError::hook(&format!("resetting {}", self.name()), error));
        }
        for app in self.all_apps().into_iter().filter(|app| app.is_installed()) {
            let what = format!("uninstalling {} on {}", app.name(), self.name());
            TestbedError::expect(&what, &[200, 202, 204, 404], self.uninstall(app.name()).await?)?;
        }
        for list in ["/protected/peers", "/protected/terminals"] {
            for id in self.ids(list).await? {
                let what = format!("removing {list}/{id} of {}", self.name());
                let reply = self.ask_core(Call::new("DELETE", format!("{list}/{id}"))).await;
                TestbedError::expect(&what, &[200, 202, 204, 404], reply.map_err(TestbedError::wire(&*what))?)?;
            }
            if let Some(left) = self.ids(list).await?.first() {
                let what = format!("cleaning {}", self.name());
                return Err(TestbedError::Hook { what, why: format!("{list}/{left} is still there") });
            }
        }
        Ok(())
    }

    async fn ids(&self, list: &str) -> Result<Vec<String>, TestbedError> {
        let what = format!("asking {} for {list}", self.name());
        let reply = self.ask_core(Call::get(list)).await.map_err(TestbedError::wire(&*what))?;
        let listed = TestbedError::expect(&what, &[200], reply)?.json().unwrap_or_default();
        let ids = listed.as_array().into_iter().flatten().filter_map(|entry| entry.get("id"));
        Ok(ids.filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
