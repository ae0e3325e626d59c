//! A network.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bollard::models::{NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest};
use bollard::query_parameters::InspectNetworkOptions;

use super::engine::EngineError;
use super::run::Run;

/// A network of containers. It goes with its run, or when it is told to.
#[derive(Debug)]
pub(crate) struct Network {
    run: Arc<Run>,
    name: String,
    gateway: Ipv4Addr,
}

impl Network {
    pub(crate) async fn create(run: &Arc<Run>, what: &str) -> Result<Network, EngineError> {
        let docker = run.engine().docker();
        let name = run.name(what);
        let making = || format!("making the network {name}");
        let request = NetworkCreateRequest {
            name: name.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(run.labels()),
            ..NetworkCreateRequest::default()
        };
        run.asked(docker.create_network(request)).await.map_err(EngineError::of(making()))?;
        let made = docker.inspect_network(&name, None::<InspectNetworkOptions>).await;
        let made = made.map_err(EngineError::of(making()))?;
        let configs = made.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let gateway = configs.into_iter().find_map(|config| config.gateway?.split('/').next()?.parse().ok());
        let no_gateway = || EngineError::Failed { what: making(), why: "it has no gateway".to_owned() };
        let gateway = gateway.ok_or_else(no_gateway)?;
        Ok(Network { run: Arc::clone(run), name, gateway })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The address under which containers reach this machine, and under which this machine reaches them.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        self.gateway
    }

    /// Puts a container into it.
    pub(crate) async fn connect(&self, container: &str) -> Result<(), EngineError> {
        let request = NetworkConnectRequest { container: container.to_owned(), endpoint_config: None };
        let connected = self.run.engine().docker().connect_network(&self.name, request).await;
        connected.map_err(EngineError::of(format!("connecting {container} with {}", self.name)))
    }

    /// Takes a container out of it, as if its cable were pulled.
    pub(crate) async fn disconnect(&self, container: &str) -> Result<(), EngineError> {
        let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        let cut = self.run.engine().docker().disconnect_network(&self.name, request).await;
        cut.map_err(EngineError::of(format!("disconnecting {container} from {}", self.name)))
    }

    /// Takes it away; nobody may be in it.
    pub(crate) async fn remove(&self) -> Result<(), EngineError> {
        match self.run.engine().docker().remove_network(&self.name).await {
            Err(error) if !super::engine::is_gone(&error) => {
                Err(EngineError::of(format!("removing the network {}", self.name))(error))
            }
            _ => Ok(()),
        }
    }
}
