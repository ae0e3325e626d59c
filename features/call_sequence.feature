Feature: The way of a call
  A call goes from the app to its own Core, to the peer's proxy, which asks the peer's Core, and then to the peer's
  app; the answer goes back the same way. No station is left out, and none is passed twice.

  @CALL-9
  Scenario Outline: A call between two Portals, <from> to <to>
    Given the Portals alice (<from>) and bob (<to>)
    And alice and bob are peers
    And alice and bob run myapp with the paths
      | path  | access | headers  |
      |       | peer   | identity |
    When alice's myapp calls bob with GET /foo/bar
    Then it is let in as the peer alice
    And the hops are
      | from        | to          | what                                           |
      | alice myapp | alice core  | GET /internal/call_peer/{bob.short_id}/foo/bar |
      | alice core  | bob proxy   | GET /foo/bar                                   |
      | bob proxy   | bob core    | GET /internal/auth                             |
      | bob core    | bob proxy   | 200                                            |
      | bob proxy   | bob myapp   | GET /foo/bar                                   |
      | bob myapp   | bob proxy   | 200                                            |
      | bob proxy   | alice core  | 200                                            |
      | alice core  | alice myapp | 200                                            |

    Examples:
      | from           | to             |
      | ed25519        | ed25519        |
      | rsa-pss-sha512 | rsa-pss-sha512 |
      | ed25519        | rsa-pss-sha512 |
      | rsa-pss-sha512 | ed25519        |

  @CALL-9 @SIG-3
  Scenario: A call with a body takes the same way
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run myapp with the paths
      | path  | access | headers  |
      |       | peer   | identity |
    When alice's myapp calls bob with POST /foo?x=1 and a body of 2 MiB
    Then it is let in as the peer alice
    And the hops are
      | from        | to          | what                                            |
      | alice myapp | alice core  | POST /internal/call_peer/{bob.short_id}/foo?x=1 |
      | alice core  | bob proxy   | POST /foo?x=1                                   |
      | bob proxy   | bob core    | GET /internal/auth                              |
      | bob core    | bob proxy   | 200                                             |
      | bob proxy   | bob myapp   | POST /foo?x=1                                   |
      | bob myapp   | bob proxy   | 200                                             |
      | bob proxy   | alice core  | 200                                             |
      | alice core  | alice myapp | 200                                             |

  @CALL-9 @ACL-3
  Scenario: A refused call turns back before the app
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run myapp with the paths
      | path  | access  | headers  |
      |       | private | identity |
    When alice's myapp calls bob with GET /foo/bar
    Then it is refused
    And the hops are
      | from        | to          | what                                           |
      | alice myapp | alice core  | GET /internal/call_peer/{bob.short_id}/foo/bar |
      | alice core  | bob proxy   | GET /foo/bar                                   |
      | bob proxy   | bob core    | GET /internal/auth                             |
      | bob core    | bob proxy   | 401                                            |
      | bob proxy   | alice core  | 401                                            |
      | alice core  | alice myapp | 401                                            |

  @CALL-9
  Scenario Outline: A call that is passed on between three Portals: <alice>, <bob>, <carol>
    Given the Portals alice (<alice>), bob (<bob>) and carol (<carol>)
    And alice, bob and carol are peers
    And alice, bob and carol run relay with the paths
      | path  | access | headers  |
      |       | peer   | identity |
    And bob's relay passes calls on to carol
    When alice's relay calls bob with POST /news and the body "hello"
    Then the answer is 200
    And carol's relay received POST /news
    And carol's relay received the body "hello"
    And carol's relay received the fields
      | field             | value              |
      | X-Ptl-Client-Type | peer               |
      | X-Ptl-Client-Id   | {carol.listed.bob} |
    And the hops are
      | from        | to          | what                                          |
      | alice relay | alice core  | POST /internal/call_peer/{bob.short_id}/news  |
      | alice core  | bob proxy   | POST /news                                    |
      | bob proxy   | bob core    | GET /internal/auth                            |
      | bob core    | bob proxy   | 200                                           |
      | bob proxy   | bob relay   | POST /news                                    |
      | bob relay   | bob core    | POST /internal/call_peer/{carol.short_id}/news |
      | bob core    | carol proxy | POST /news                                    |
      | carol proxy | carol core  | GET /internal/auth                            |
      | carol core  | carol proxy | 200                                           |
      | carol proxy | carol relay | POST /news                                    |
      | carol relay | carol proxy | 200                                           |
      | carol proxy | bob core    | 200                                           |
      | bob core    | bob relay   | 200                                           |
      | bob relay   | bob proxy   | 200                                           |
      | bob proxy   | alice core  | 200                                           |
      | alice core  | alice relay | 200                                           |

    Examples:
      | alice          | bob            | carol          |
      | ed25519        | ed25519        | ed25519        |
      | rsa-pss-sha512 | rsa-pss-sha512 | rsa-pss-sha512 |
      | ed25519        | rsa-pss-sha512 | ed25519        |

  @CALL-9 @CALL-10
  Scenario Outline: Five Portals call each other, all at once: <keys>
    Given the Portals alice (<a>), bob (<b>), carol (<c>), dave (<d>) and erin (<e>)
    And alice, bob, carol, dave and erin are peers
    And alice, bob, carol, dave and erin run myapp with the paths
      | path  | access | headers  |
      |       | peer   | identity |
    When every Portal's myapp calls every other with GET /hello at the same moment
    Then every call was let in as the peer who called
    And every call took each hop exactly once

    Examples:
      | keys   | a              | b              | c              | d              | e              |
      | ed     | ed25519        | ed25519        | ed25519        | ed25519        | ed25519        |
      | rsa    | rsa-pss-sha512 | rsa-pss-sha512 | rsa-pss-sha512 | rsa-pss-sha512 | rsa-pss-sha512 |
      | mixed  | ed25519        | rsa-pss-sha512 | ed25519        | rsa-pss-sha512 | ed25519        |

  @CALL-10
  Scenario: Two Portals that call each other do not block each other
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run myapp with the paths
      | path  | access | headers  |
      |       | peer   | identity |
    And alice's myapp and bob's myapp answer only when both have been called
    When every Portal's myapp calls every other with POST /hello at the same moment
    Then every call was let in as the peer who called

  @CALL-10
  Scenario: A call can be answered by way of a call back
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run myapp with the paths
      | path  | access | headers  |
      |       | peer   | identity |
    And bob's myapp passes calls on to alice
    When alice's myapp calls bob with GET /ping
    Then the answer is 200
    And alice's myapp received GET /ping
    And alice's myapp received the fields
      | field             | value              |
      | X-Ptl-Client-Type | peer               |
      | X-Ptl-Client-Id   | {alice.listed.bob} |
