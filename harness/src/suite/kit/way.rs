//! How requests are made, so that one can be made once more, and several at the same moment.

use futures_util::future::join_all;

use super::exchange::Exchange;
use super::names::Receiver;
use crate::suite::failure::StepResult;
use crate::suite::world::World;
use crate::testbed::{App, OutsideClient, Portal};
use crate::trace::{Party, TRACE_FIELD};
use crate::wire::{Call, Reply, WireError};

/// Who makes a request, and how it gets there.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// An app, through its door.
    Door(App),
    /// Somebody outside.
    Outside {
        /// Who, with or without a cookie.
        client: OutsideClient,
        /// The host that is asked.
        host: String,
        /// Over HTTP/2.
        http2: bool,
    },
    /// Straight to a Core, as its proxy would.
    Core(Portal),
}

/// A request, ready to be made.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// How.
    pub(crate) way: Way,
    /// What.
    pub(crate) call: Call,
    /// The app or fake Portal that it is meant for, where there is one.
    pub(crate) addressed: Option<Receiver>,
}

impl Way {
    async fn send(&self, call: Call) -> Result<Reply, WireError> {
        match self {
            Way::Door(app) => app.ask(call).await,
            Way::Outside { client, host, http2: true } => client.send_http2(host, call).await,
            Way::Outside { client, host, http2: false } => client.send(host, call).await,
            Way::Core(portal) => portal.ask_core(call).await,
        }
    }

    /// From whom the hops of a request begin. What asks a Core is given an id on its way.
    fn origin(&self) -> Option<Party> {
        match self {
            Way::Door(app) => Some(Party::app(app.portal(), app.name())),
            Way::Outside { .. } => Some(Party::Outside),
            Way::Core(_) => None,
        }
    }

    /// The Portal whose Core is asked about a request, where that is what this is.
    fn asked(&self, call: &Call) -> Option<&str> {
        match self {
            Way::Core(portal) if call.target() == "/internal/auth" => Some(portal.name()),
            _ => None,
        }
    }
}

impl World {
    /// A sending step: makes this request.
    pub(crate) async fn send(&mut self, request: Request) -> StepResult {
        self.send_together(vec![request]).await
    }

    /// A sending step: makes these requests at the same moment.
    pub(crate) async fn send_together(&mut self, requests: Vec<Request>) -> StepResult {
        self.begin_sending().await;
        for exchange in self.made(requests).await? {
            self.sent(exchange);
        }
        Ok(())
    }

    /// Makes the requests of the latest sending step once more, as far as they only ask. They are "it" from then on, in the
    /// place of the former ones; what was received still counts from the beginning of that step.
    pub(crate) async fn ask_again(&mut self) -> StepResult {
        let questions = self.latest().iter().enumerate().filter_map(|(n, exchange)| {
            let (way, call) = exchange.question()?;
            let mut call = call.clone();
            call.fields.remove(TRACE_FIELD);
            Some((n, Request { way: way.clone(), call, addressed: exchange.addressed.clone() }))
        });
        let (places, requests): (Vec<usize>, Vec<Request>) = questions.unzip();
        let exchanges = self.made(requests).await?;
        for (n, exchange) in places.into_iter().zip(exchanges) {
            self.latest_mut()[n] = exchange;
        }
        Ok(())
    }

    async fn made(&self, requests: Vec<Request>) -> StepResult<Vec<Exchange>> {
        let mut ready = Vec::new();
        for Request { way, mut call, addressed } in requests {
            if let Some(origin) = way.origin() {
                call = self.scene().prepared(call, origin)?;
            }
            ready.push((way, call, addressed));
        }
        let sending = ready.into_iter().map(async |(way, call, addressed)| {
            let result = way.send(call.clone()).await;
            let asked = way.asked(&call).map(str::to_owned);
            Ok(Exchange::new(&call, addressed, result)?.asking(asked.as_deref()).by(way))
        });
        join_all(sending).await.into_iter().collect()
    }
}
