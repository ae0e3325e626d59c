//! What can be done to a running Portal: each with what undoes it.

use super::{Portal, TestbedError};
use crate::subject::SubjectError;
use crate::testbed::faults::{ProxyFault, Way};
use crate::testbed::real_app::Command;

impl Portal {
    /// The Core does nothing from now on, and goes on where it was when it thaws.
    ///
    /// # Errors
    /// When that can't be done with it.
    pub async fn freeze_core(&self) -> Result<(), TestbedError> {
        Ok(self.core(|core| core.freeze()).await?)
    }

    /// The Core goes on. Nothing happens where it was not frozen.
    ///
    /// # Errors
    /// When that can't be done with it.
    pub async fn thaw_core(&self) -> Result<(), TestbedError> {
        Ok(self.core(|core| core.thaw()).await?)
    }

    /// Whether the Core runs; one that is killed or stopped does not.
    pub(in crate::testbed) fn has_core(&self) -> bool {
        self.inner.upstreams.core() != self.inner.nobody
    }

    /// The Core is stopped and comes back with another key, and with all else that it had. Whoever is at this Portal's
    /// address then is somebody else: an ID is the hash of its key.
    ///
    /// # Errors
    /// When that can't be done with it.
    pub async fn rotate_key(&self) -> Result<(), TestbedError> {
        self.inner.upstreams.set_core(self.inner.nobody);
        self.core(|core| core.rotate_key()).await?;
        if self.find_core_as(None).await? == self.id() {
            return Err(SubjectError::Unsupported("given another key: it keeps its first one").into());
        }
        Ok(())
    }

    /// The Core is stopped and comes back with the key that it had from the beginning.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restore_key(&self) -> Result<(), TestbedError> {
        self.inner.upstreams.set_core(self.inner.nobody);
        self.core(|core| core.restore_key()).await?;
        self.find_core_as(Some(self.id())).await.map(drop)
    }

    /// The Core's way to this domain becomes like this, where that is the Core's own affair; none where it goes by the names of
    /// the testbed.
    pub(in crate::testbed) async fn set_way(&self, domain: &str, way: &Way) -> Option<Result<(), SubjectError>> {
        self.inner.core.lock().await.as_mut()?.set_way(domain, way).await
    }

    /// Its proxy does this wrong from the next request on, or no more; what concerns TLS, from the next connection on.
    ///
    /// Connections stay open: whoever sends on one that is just being closed can't know whether that was heard, and would
    /// have to report an error that is nobody's.
    ///
    /// # Errors
    /// When its proxy is tested too, or gone.
    pub fn set_proxy_fault(&self, fault: ProxyFault, on: bool) -> Result<(), TestbedError> {
        match &*self.proxy() {
            Some(proxy) => proxy.change_faults(|faults| if on { faults.with(fault) } else { faults.without(fault) })?,
            None => return Err(TestbedError::Unknown { what: "running proxy", name: self.name().to_owned() }),
        }
        Ok(())
    }

    /// From now on its name leads nowhere, and connections that others have to it are gone.
    pub async fn lose_name(&self) {
        self.inner.names.remove(self.domain());
        self.end_connections().await;
    }

    /// Ends an app at once: its proxy finds nobody there.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn kill_app(&self, name: &str) -> Result<(), TestbedError> {
        let app = self.app(name)?;
        if let Some(proxy) = &*self.proxy() {
            proxy.empty_app(name, self.inner.nobody);
        }
        app.echo().end_connections().await;
        app.tell(Command::Kill);
        Ok(())
    }

    /// Starts an app again that was killed. Where it is a command, that is started again in any case; from now on its proxy
    /// finds it.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn start_app_again(&self, name: &str) -> Result<(), TestbedError> {
        let app = self.app(name)?;
        if let Some(proxy) = &*self.proxy() {
            proxy.add_app(app.echo());
        }
        Ok(())
    }

    /// Ends an app in its own time and starts it again.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn restart_app(&self, name: &str) -> Result<(), TestbedError> {
        let app = self.app(name)?;
        app.echo().end_connections().await;
        app.tell(Command::Restart);
        Ok(())
    }

    /// The app takes connections and does nothing from now on.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn freeze_app(&self, name: &str) -> Result<(), TestbedError> {
        let app = self.app(name)?;
        app.echo().freeze();
        app.tell(Command::Freeze);
        Ok(())
    }

    /// The app goes on.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn thaw_app(&self, name: &str) -> Result<(), TestbedError> {
        let app = self.app(name)?;
        app.tell(Command::Thaw);
        app.echo().thaw();
        Ok(())
    }
}
