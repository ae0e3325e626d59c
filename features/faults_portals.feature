Feature: Portals that go wrong
  Cores and apps are killed and stand still, clocks are off, keys and names are lost, certificates run out, proxies spoil
  what passes through them. Nobody is let in for that who should not be, nothing is an error of the Core's own, and
  when it is over, peers are peers as before.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @PROXY-5 @needs-kill
  Scenario Outline: While a peer's Core is gone, nobody is let in to <path>
    Given bob's Core is killed
    When alice's chat calls bob with GET <path>
    Then the answer is 502 or 503
    And bob's chat received nothing
    When bob's Core is started
    And alice's chat calls bob with GET <path>
    Then it is let in as the peer alice

    Examples:
      | path         |
      | /peers/inbox |
      | /public/page |

  @PROXY-5 @CALL-5 @needs-freeze
  Scenario: While a peer's Core stands still, nobody is let in
    Given bob's Core is frozen
    When alice's chat calls bob with GET /public/page
    Then the answer is 502, 503 or 504
    And bob's chat received nothing
    When bob's Core is thawed
    And alice's chat calls bob with GET /public/page
    # The first call may arrive, too: a proxy may still have waited for the Core.
    Then the answer is 200

  @PEER-15 @needs-kill
  Scenario: A Core that was killed knows its peers, and they know it
    Given alice's Core is killed
    When alice's Core is started
    Then alice's peers are
      | peer | key   |
      | bob  | known |
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice
    When bob's chat calls alice with GET /peers/inbox
    Then it is let in as the peer bob

  @CALL-4 @needs-kill
  Scenario: A peer's Core that dies after it has let a call in does not spoil the answer
    Given bob's chat never answers
    When alice's chat calls bob with GET /peers/order, and once that has arrived, this fault is on: "bob core killed"
    Then the answer is 504 with a reason
    When bob's Core is started
    And bob's chat answers 200 with the body "done"
    And alice's chat calls bob with GET /peers/order
    Then the answer's body is "done"

  @CALL-5
  Scenario: A peer's app that is gone is the peer's own error, and is passed on
    Given bob's chat is killed
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 502, 503 or 404
    And bob's chat received nothing
    When bob's chat is started again
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-5
  Scenario: A peer's app that stands still is a gateway timeout
    Given bob's chat is frozen
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 504
    When bob's chat is thawed
    And alice's chat calls bob with GET /peers/inbox until the answer is 200, for 5 seconds at most
    Then the answer is 200

  @CALL-5 @PEER-7
  Scenario: A peer whose name is gone is a bad gateway, and stays a peer
    Given bob's name is gone
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 502 with a reason
    And alice's peers are
      | peer | key   |
      | bob  | known |
    When bob's name is back
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-8
  Scenario Outline: A peer whose certificate is <certificate> is not called, until it has a good one
    Given this fault is on: "bob certificate <certificate>"
    When alice's chat calls bob with POST /peers/inbox and the body "secret"
    Then the answer is 502 with a reason
    And bob's chat received nothing
    When this fault is over: "bob certificate"
    And alice's chat calls bob with POST /peers/inbox and the body "secret"
    Then it is let in as the peer alice

    Examples:
      | certificate             |
      | expired                 |
      | not-yet-valid           |
      | for-another-name        |
      | of-an-unknown-authority |
      | self-signed             |

  @PEER-11 @needs-rotate
  Scenario: A Portal that comes back with another key is nobody's peer, until the old key is back
    Given bob's key is rotated
    When bob's chat calls alice with GET /peers/inbox
    Then it is refused
    When bob's chat calls alice with GET /public/page
    Then it is let in as anonymous
    When alice's owner sends PUT /protected/peers to alice's Core
      """
      {"id": "{bob.id}", "name": "Bob"}
      """
    Then the answer is 200
    When bob's chat calls alice with GET /peers/inbox
    Then it is refused
    When bob's key is back
    And bob's chat calls alice with GET /peers/inbox
    Then it is let in as the peer bob
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @AUTH-8 @needs-clock @level-should
  Scenario Outline: A caller whose clock is far off is a stranger, until it is right: <shift>
    Given this fault is on: "alice clock <shift>"
    When alice's chat calls bob with GET /peers/inbox
    Then it is refused
    When alice's chat calls bob with GET /public/page
    Then it is let in as anonymous
    When this fault is over: "alice clock"
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

    Examples:
      | shift |
      | +30h  |
      | -30h  |

  @ACL-10
  Scenario: A proxy that asks about another host lets nobody in
    Given bob's proxy has the fault "asks-with-its-own-host"
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 404
    And bob's chat received nothing
    When bob's proxy no longer has the fault "asks-with-its-own-host"
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @AUTH-2
  Scenario: A host that apps alone see another way spoils no signature
    Given bob's proxy has the fault "rewrites-host"
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @AUTH-3
  Scenario Outline: A query that is written anew on the way is another query: <query>
    Given bob's proxy has the fault "reencodes-query"
    When alice's chat calls bob with GET /peers/inbox?<query>
    Then it is <outcome>

    Examples:
      | query        | outcome                  |
      | a=%20b       | refused                  |
      | a=%c3%a9     | refused                  |
      | a=~          | refused                  |
      | a=1&b=2      | let in as the peer alice |

  @AUTH-2
  Scenario: Lines that a proxy joins say the same
    Given the fake Portal carol
    And bob has added carol as a peer
    And bob's proxy has the fault "folds-headers"
    And a request GET /peers/inbox to bob's chat
      | field  | value |
      | X-Step | one   |
      | X-Step | two   |
    And it is signed by carol
      | part     | value                           |
      | covering | "@method" "@target-uri" "x-step" |
    When it is sent
    Then it is let in as the peer carol

  @PROXY-10 @level-should
  Scenario: A signed body that gets lost on the way is missed
    Given bob's proxy has the fault "drops-body"
    When alice's chat calls bob with POST /peers/inbox and the body "hello"
    Then the answer is 400
    And bob's chat received nothing
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice
