Feature: The proxy's question to its Core
  Before every request the proxy asks its Core who is there and whether to let it in. The Core has a plain answer
  to every question, costs little whatever it is asked, and tells a stranger nothing about the owner's friends.

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

  @AUTH-1
  Scenario Outline: The Core answers a question about <whose> request for <path>
    Given a request GET <path> to bob's chat
    And it is signed by <signer>
    When bob's Core is asked about it
    Then it is <outcome>

    Examples:
      | whose        | path         | signer  | outcome                  |
      | a peer's     | /peers/inbox | alice   | let in as the peer alice |
      | a stranger's | /peers/inbox | mallory | refused                  |
      | a stranger's | /public/page | mallory | let in as anonymous      |
      | a peer's     | /notes       | alice   | refused                  |

  @AUTH-1
  Scenario Outline: A question without <field> is a bad request
    Given a request GET /public/page to bob's chat
    When bob's Core is asked about it without the field "<field>"
    Then the answer is 400

    Examples:
      | field              |
      | X-Forwarded-Method |
      | X-Forwarded-Proto  |
      | X-Forwarded-Host   |
      | X-Forwarded-Uri    |

  @AUTH-1
  Scenario Outline: An odd question is no error of the Core's: <what>
    When bob's Core is asked GET /internal/auth
      | field              | value    |
      | X-Forwarded-Method | <method> |
      | X-Forwarded-Proto  | <proto>  |
      | X-Forwarded-Host   | <host>   |
      | X-Forwarded-Uri    | <uri>    |
      | X-Forwarded-For    | <for>    |
      | Cookie             | <cookie> |
    Then the answer is 200, 400, 401 or 404
    And the Core's answer lets nobody but a stranger in

    Examples:
      | what                     | method | proto  | host              | uri               | for         | cookie                  |
      | a method with spaces     | GE T   | https  | chat.{bob.domain} | /public/page      | 203.0.113.7 | x=1                     |
      | no method                |        | https  | chat.{bob.domain} | /public/page      | 203.0.113.7 | x=1                     |
      | a strange scheme         | GET    | gopher | chat.{bob.domain} | /public/page      | 203.0.113.7 | x=1                     |
      | no host                  | GET    | https  |                   | /public/page      | 203.0.113.7 | x=1                     |
      | dots for a host          | GET    | https  | ....              | /public/page      | 203.0.113.7 | x=1                     |
      | other characters in host | GET    | https  | chät.{bob.domain} | /public/page      | 203.0.113.7 | x=1                     |
      | a port that is none      | GET    | https  | chat.{bob.domain}:99999999 | /public/page | 203.0.113.7 | x=1                |
      | no path                  | GET    | https  | chat.{bob.domain} |                   | 203.0.113.7 | x=1                     |
      | a path without slash     | GET    | https  | chat.{bob.domain} | public/page       | 203.0.113.7 | x=1                     |
      | a whole address          | GET    | https  | chat.{bob.domain} | https://evil.example/public/ | 203.0.113.7 | x=1          |
      | broken percent-encoding  | GET    | https  | chat.{bob.domain} | /public/%zz%      | 203.0.113.7 | x=1                     |
      | bytes that are no text   | GET    | https  | chat.{bob.domain} | /public/%ff%fe%00 | 203.0.113.7 | x=1                     |
      | raw bytes in the path    | GET    | https  | chat.{bob.domain} | /public/ä         | 203.0.113.7 | x=1                     |
      | an address that is none  | GET    | https  | chat.{bob.domain} | /public/page      | moon        | x=1                     |
      | a broken cookie          | GET    | https  | chat.{bob.domain} | /public/page      | 203.0.113.7 | authorization           |
      | an empty cookie          | GET    | https  | chat.{bob.domain} | /public/page      | 203.0.113.7 | authorization=          |
      | a cookie of dots         | GET    | https  | chat.{bob.domain} | /public/page      | 203.0.113.7 | authorization=...;;=;"; |

  @AUTH-1
  Scenario: The question asked with another method is no error of the Core's
    When bob's Core is asked POST /internal/auth
      | field              | value             |
      | X-Forwarded-Method | GET               |
      | X-Forwarded-Proto  | https             |
      | X-Forwarded-Host   | chat.{bob.domain} |
      | X-Forwarded-Uri    | /public/page      |
    Then the answer is 200, 400, 401, 404 or 405
    And the Core's answer lets nobody but a stranger in

  @AUTH-13
  Scenario Outline: A request with <count> <what> costs no more than it should
    Given a request GET /peers/inbox to bob's chat
    And it carries <count> <what> before it is signed by alice
    When bob's Core is asked about it
    Then the answer is <status>
    And the answer came within 2 seconds

    Examples:
      | count | what                       | status             |
      | 2000  | signatures by mallory      | 400, 401 or 431    |
      | 2000  | labels without a signature | 400, 401 or 431    |
      | 2000  | components in alice's own  | 400, 401 or 431    |
      | 2000  | parameters in alice's own  | 400, 401 or 431    |
      | 500   | KiB in Signature-Input     | 400, 401 or 431    |
      | 500   | KiB in X-Note              | 400, 401 or 431    |
      | 10    | components in alice's own  | 200                |
      | 5     | parameters in alice's own  | 200                |
      | 1     | KiB in X-Note              | 200                |

  @AUTH-14
  Scenario Outline: A stranger can't find out who the peers are, on <path>, by <way>
    Given a request GET <path> to bob's chat
    And it is signed by mallory
      | part     | value            |
      | keyid    | {alice.short_id} |
      | covering | <covering>       |
      | alg      | <alg>            |
    When bob's Core is asked about it
    And a request GET <path> to bob's chat
    And it is signed by mallory
      | part     | value              |
      | keyid    | {mallory.short_id} |
      | covering | <covering>         |
      | alg      | <alg>              |
    And bob's Core is asked about it
    Then the last two answers are alike

    Examples:
      | way                      | path         | covering                | alg         |
      | a signature of its own   | /public/page | "@method" "@target-uri" | ed25519     |
      | a signature of its own   | /peers/inbox | "@method" "@target-uri" | ed25519     |
      | a signature over nothing | /peers/inbox |                         | ed25519     |
      | an unknown algorithm     | /peers/inbox | "@method" "@target-uri" | moon-sign   |
      | a signature of its own   | /notes       | "@method" "@target-uri" | ed25519     |

  @AUTH-14
  Scenario: From outside a stranger sees no difference either
    Given a request GET /peers/inbox to bob's chat
    And it is signed by mallory
      | part  | value            |
      | keyid | {alice.short_id} |
    When it is sent
    Then it is refused
    When a request GET /peers/inbox to bob's chat
    And it is signed by mallory
    And it is sent
    Then it is refused
    And the last two answers are alike
