Feature: Faults on the way to a peer
  Networks are slow, narrow, silent and cut. A call under such a fault is late, or comes back with the reason, and never
  passes for what it is not; nothing arrives twice; and when the fault is over, all is as before.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /peers/  | peer    | identity |

  @CALL-3 @CALL-4 @CALL-9
  Scenario Outline: A slow link makes a call late and changes nothing: <link>
    Given the link between alice and bob has <link>
    When alice's chat calls bob with POST /peers/upload and a body of 100 KiB
    Then it is let in as the peer alice
    And bob's chat received the body that was sent
    And it took at least <least> ms

    Examples:
      | link                                          | least |
      | a latency of 20 ms                            | 40    |
      | a latency of 10 ms and a jitter of 20 ms      | 20    |
      | a bandwidth of 500 KiB/s                      | 150   |
      | a latency of 5 ms and a bandwidth of 1 MiB/s  | 80    |

  @CALL-4
  Scenario: An answer comes whole through a narrow link
    Given the link from alice to bob has a bandwidth of 1 MiB/s
    And bob's chat answers 200 with a body of 200 KiB
    When alice's chat calls bob with GET /peers/video
    Then the answer is 200
    And the answer's body is complete
    And it took at least 150 ms

  @CALL-5 @PEER-7
  Scenario: A link that is cut is a bad gateway, and forgets nobody
    Given the link between alice and bob is cut
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 502 with a reason
    And bob's chat received nothing
    And alice's peers are
      | peer | key   |
      | bob  | known |
    When the link between alice and bob is whole again
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-5
  Scenario: A link that swallows everything is a gateway timeout, until it is whole again
    Given the link from alice to bob is a black hole
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 504 with a reason
    And bob's chat received nothing
    When the link from alice to bob is whole again
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-5
  Scenario: What is open when a link is cut is cut, too
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice
    When the link from alice to bob is cut
    And alice's chat calls bob with GET /peers/inbox
    Then the answer is 502 with a reason
    And bob's chat received nothing

  @CALL-5 @CALL-4
  Scenario: An answer that is cut on its way is not passed off as whole
    Given bob's chat answers 200 with a body of 500 KiB
    And the link from alice to bob is cut after 50 KiB of the answer
    When alice's chat calls bob with GET /peers/video
    Then the answer breaks off, or is 502
    When the link from alice to bob is whole again
    And alice's chat calls bob with GET /peers/video
    Then the answer is 200
    And the answer's body is complete

  @CALL-5
  Scenario: A link that is cut within the TLS handshake is a bad gateway
    Given the link from alice to bob is cut after 100 B of the answer
    When alice's chat calls bob with POST /peers/inbox and the body "hello"
    Then the answer is 502 with a reason
    And bob's chat received nothing
    When the link from alice to bob is whole again
    And alice's chat calls bob with POST /peers/inbox and the body "hello"
    Then it is let in as the peer alice

  @CALL-5 @PROXY-3
  Scenario: A request that is cut on its way reaches no app as a whole
    Given the link from alice to bob is cut after 50 KiB of the request
    When alice's chat calls bob with POST /peers/upload and a body of 500 KiB
    Then the answer is 502 with a reason
    And bob's chat received no whole request
    When the link from alice to bob is whole again
    And alice's chat calls bob with POST /peers/upload and a body of 500 KiB
    # The cut one may still arrive at the app and break off there: a proxy need not wait for the whole body.
    Then the answer is 200
    And bob's chat received the body that was sent

  @CALL-9 @CALL-5
  Scenario: A call that had arrived when its connection broke is not made a second time
    Given bob's chat never answers
    When alice's chat calls bob with GET /peers/order, and once that has arrived, this fault is on: "alice -> bob reset"
    Then the answer is 502 with a reason
    And bob's chat received 1 request
    When bob's chat answers 200
    And alice's chat calls bob with GET /peers/order
    Then it is let in as the peer alice

  @CALL-5 @CALL-9
  Scenario: Over a link that comes and goes, no call arrives twice, and none that did not arrive is answered
    Given the link from alice to bob flaps every 25 ms
    When alice's chat calls bob 20 times in a row with GET /peers/inbox
    Then each answer is 200 or 502
    And bob's chat received each call that was answered 200, and none twice
    When the link from alice to bob is whole again
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-9
  Scenario Outline: A short outage delays a call and does not double it: <fault>
    When alice's chat calls bob with GET /peers/inbox while for 100 ms this fault is on: "<fault>"
    Then it is let in as the peer alice
    And it took at least 100 ms

    Examples:
      | fault                   |
      | alice -> bob black-hole |
      | bob app chat frozen     |

  @CALL-9 @needs-freeze
  Scenario Outline: A Core that stands still for a moment delays a call and does not double it: <fault>
    When alice's chat calls bob with GET /peers/inbox while for 100 ms this fault is on: "<fault>"
    Then it is let in as the peer alice
    And it took at least 100 ms

    Examples:
      | fault             |
      | alice core frozen |
      | bob core frozen   |

  @CALL-10
  Scenario: A peer that nobody gets through to holds up no call to another
    Given the Portal carol
    And alice and carol are peers
    And carol runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /peers/  | peer    | identity |
    And the link from alice to bob is a black hole
    When alice's chat calls bob with GET /peers/slow, and before that is answered, carol with GET /peers/inbox
    Then it is let in as the peer alice
