Feature: How long a signature counts
  A signed request may be overheard, logged, or sent once more. It counts while it is fresh, until it expires, and
  only the first time.

  Background:
    Given the Portal bob
    And the fake Portals alice, carol and mallory
    And bob has added alice as a peer
    And bob has added carol as a peer
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @AUTH-7
  Scenario Outline: A signature that expires <expires> on <path>
    Given a request GET <path> to bob's chat
    And it is signed by alice
      | part    | value     |
      | created | <created> |
      | expires | <expires> |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | created        | expires        | outcome                  |
      | /public/page | 60 seconds ago | 40 seconds ago | let in as anonymous      |
      | /peers/inbox | 60 seconds ago | 40 seconds ago | refused                  |
      | /public/page | now            | in 60 seconds  | let in as the peer alice |
      | /peers/inbox | now            | in 60 seconds  | let in as the peer alice |
      | /peers/inbox | 20 seconds ago | in 5 minutes   | let in as the peer alice |

  @AUTH-7 @needs-clock
  Scenario Outline: A signature expires by the receiver's clock on <path>
    Given a request GET <path> to bob's chat
    And it is signed by alice
      | part    | value         |
      | nonce   |               |
      | expires | in 60 seconds |
    When it is sent
    Then it is let in as the peer alice
    When 2 minutes pass on bob's clock
    And it is sent again
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @AUTH-8
  Scenario Outline: A signature made <created> on <path>
    Given a request GET <path> to bob's chat
    And it is signed by alice
      | part    | value     |
      | created | <created> |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | created         | outcome                  |
      | /public/page | 340 seconds ago | let in as anonymous      |
      | /public/page | 25 hours ago    | let in as anonymous      |
      | /public/page | in 45 seconds   | let in as anonymous      |
      | /peers/inbox | 340 seconds ago | refused                  |
      | /peers/inbox | 25 hours ago    | refused                  |
      | /peers/inbox | in 45 seconds   | refused                  |
      | /peers/inbox | in 2 hours      | refused                  |
      | /peers/inbox | 280 seconds ago | let in as the peer alice |
      | /peers/inbox | in 20 seconds   | let in as the peer alice |

  @AUTH-8 @needs-clock
  Scenario Outline: A signature is judged by the receiver's clock, <much> <way> on <path>
    Given bob's clock is <much> <way>
    And a request GET <path> to bob's chat
    And it is signed by alice
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | much       | way    | outcome                  |
      | /public/page | 10 minutes | ahead  | let in as anonymous      |
      | /peers/inbox | 10 minutes | ahead  | refused                  |
      | /peers/inbox | 10 minutes | behind | refused                  |
      | /peers/inbox | 20 seconds | behind | let in as the peer alice |
      | /peers/inbox | 4 minutes  | ahead  | let in as the peer alice |

  @AUTH-9
  Scenario: Two peers may choose the same nonce
    Given a request GET /peers/inbox to bob's chat
    And it is signed by alice
      | part  | value                  |
      | nonce | q0vH0mUu0lDrIuQkGCdRZg |
    When it is sent
    Then it is let in as the peer alice
    When a request GET /peers/inbox to bob's chat
    And it is signed by carol
      | part  | value                  |
      | nonce | q0vH0mUu0lDrIuQkGCdRZg |
    And it is sent
    Then it is let in as the peer carol

  @AUTH-9
  Scenario: Nobody can use up a peer's nonce in its name
    Given a request GET /peers/inbox to bob's chat
    And it is signed by mallory
      | part  | value                  |
      | keyid | {alice.short_id}       |
      | nonce | q0vH0mUu0lDrIuQkGCdRZg |
    When it is sent
    Then it is refused
    When a request GET /peers/inbox to bob's chat
    And it is signed by alice
      | part  | value                  |
      | nonce | q0vH0mUu0lDrIuQkGCdRZg |
    And it is sent
    Then it is let in as the peer alice

  @AUTH-9
  Scenario: A signature without nonce may come again
    Given a request GET /peers/inbox to bob's chat
    And it is signed by alice
      | part  | value |
      | nonce |       |
    When it is sent
    Then it is let in as the peer alice
    When it is sent again
    Then it is let in as the peer alice
