Feature: The owner's devices
  The owner pairs a device with a code and from then on it is let in by a cookie. Nobody else gets such a cookie, and a
  device that is revoked is a stranger at once.

  Background:
    Given the Portals alice and bob
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @TERM-1
  Scenario: The owner asks for a pairing code
    When bob's owner sends GET /protected/terminals/pairing-code?deadline=60 to bob's Core
    Then the answer is 201
    And the answer's JSON has
      | at          | value       |
      | code        | /^[0-9]{6}$/ |
      | created     | /./         |
      | valid_until | /./         |

  @TERM-1 @TERM-5
  Scenario: A stranger gets no pairing code
    When a stranger sends GET /protected/terminals/pairing-code?deadline=60 to bob's Core
    Then the answer is 401

  @TERM-2 @TERM-3
  Scenario: A device that has the code is paired
    Given bob's owner asks for a pairing code
    When a device named "phone" pairs with bob using that code
    Then the answer is 201
    And the answer sets the cookie "authorization" with
      | attribute | value                    |
      | Domain    | {bob.domain}             |
      | HttpOnly  | present                  |
      | Secure    | present                  |
      | SameSite  | Lax                      |
      | value     | /^[\\w-]+\\.[\\w-]+\\.[\\w-]+$/ |
    When the terminal phone sends GET /notes to bob's chat
    Then it is let in as the terminal phone

  @TERM-2
  Scenario Outline: A <code> pairs nobody
    Given bob's owner asks for a pairing code
    When a device named "thief" pairs with bob using the code "<value>"
    Then the answer is <status>
    And the answer does not set the cookie "authorization"

    Examples:
      | code            | value     | status           |
      | wrong code      | 0x0x0x    | 401 or 422       |
      | code with signs | %00%0a    | 400, 401 or 422  |
      | code of blanks  | %20%20    | 400, 401 or 422  |
      | missing code    |           | 400, 401 or 422  |

  @TERM-2
  Scenario: A code that is one off pairs nobody, and the right one still does
    Given bob's owner asks for a pairing code
    When a device named "thief" pairs with bob using a code that is one off
    Then the answer is 401
    And the answer does not set the cookie "authorization"
    When a device named "phone" pairs with bob using that code
    Then the answer is 201

  @TERM-2 @TERM-1
  Scenario: A code works only once
    Given bob's owner asks for a pairing code
    When a device named "phone" pairs with bob using that code
    Then the answer is 201
    When a device named "thief" pairs with bob using that code
    Then the answer is 401
    And the answer does not set the cookie "authorization"

  @TERM-2 @TERM-1 @needs-clock
  Scenario Outline: A code that is good for 60 seconds, <after> seconds later
    Given bob's owner asks for a pairing code that is good for 60 seconds
    When <after> seconds pass
    And a device named "phone" pairs with bob using that code
    Then the answer is <status>

    Examples:
      | after | status |
      | 50    | 201    |
      | 70    | 401    |

  @TERM-2
  Scenario: A code of one Portal is worth nothing at another
    Given bob's owner asks for a pairing code
    When a device named "thief" pairs with alice using that code
    Then the answer is 401

  @TERM-4
  Scenario: Codes can't be foreseen
    When bob's owner asks for 40 pairing codes
    Then the codes follow no pattern

  @TERM-4
  Scenario: Guesses are limited
    Given bob's owner asks for a pairing code
    When a stranger tries 100 wrong codes on bob
    And a device named "thief" pairs with bob using that code
    Then the answer is 401 or 429
    And the answer does not set the cookie "authorization"

  @TERM-4 @needs-clock
  Scenario: Guesses are limited, and the owner is not locked out
    Given bob's owner asks for a pairing code
    When a stranger tries 100 wrong codes on bob
    And a device named "thief" pairs with bob using that code
    Then the answer is 401 or 429
    And the answer does not set the cookie "authorization"
    When 2 hours pass
    And bob's owner asks for a pairing code
    And a device named "phone" pairs with bob using that code
    Then the answer is 201

  @TERM-4
  Scenario: A slip of the finger does no harm
    Given bob's owner asks for a pairing code
    When a stranger tries 2 wrong codes on bob
    And a device named "phone" pairs with bob using that code
    Then the answer is 201

  @TERM-3
  Scenario Outline: A cookie <which> is a stranger's on <path>
    Given alice has paired the terminal tablet
    And bob has paired the terminal phone
    And a request GET <path> to bob's chat
    And it carries a cookie <which>
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | which                                                        | outcome             |
      | /notes       | of the terminal tablet                                       | refused             |
      | /notes       | that is no token at all                                      | refused             |
      | /notes       | of the terminal phone with its claims altered                | refused             |
      | /notes       | of the terminal phone with one bit of its signature altered  | refused             |
      | /notes       | of the terminal phone without its signature                  | refused             |
      | /notes       | of the terminal phone made unsigned with alg none            | refused             |
      | /notes       | of the terminal phone made unsigned with alg NONE            | refused             |
      | /notes       | of the terminal phone signed with an empty secret            | refused             |
      | /notes       | of the terminal phone signed with the Portal's public key    | refused             |
      | /notes       | of the terminal phone signed with a secret of its own        | refused             |
      | /public/page | of the terminal tablet                                       | let in as anonymous |
      | /public/page | that is no token at all                                      | let in as anonymous |
      | /public/page | of the terminal phone made unsigned with alg none            | let in as anonymous |
      | /public/page | of the terminal phone with its claims altered                | let in as anonymous |
      | /public/page | of the terminal phone signed with the Portal's public key    | let in as anonymous |
      | /notes       | of the terminal phone as it is                               | let in as the terminal phone |

  @TERM-3
  Scenario Outline: Beside a bad cookie a good signature still counts on <path>
    Given the fake Portal carol
    And bob has added carol as a peer
    And bob has paired the terminal phone
    And a request GET <path> to bob's chat
    And it carries a cookie <which>
    And it is signed by carol
    When it is sent
    Then it is let in as the peer carol

    Examples:
      | path         | which                                             |
      | /peers/inbox | that is no token at all                           |
      | /peers/inbox | of the terminal phone made unsigned with alg none |
      | /public/page | of the terminal phone with its claims altered     |

  @TERM-3 @needs-restart
  Scenario: A device stays paired when the Core is restarted
    Given bob has paired the terminal phone
    When bob's Core is restarted
    And the terminal phone sends GET /notes to bob's chat
    Then it is let in as the terminal phone

  @TERM-5
  Scenario: The proxy learns whose cookie it is
    Given bob has paired the terminal phone
    When bob's Core is asked GET /internal/authenticate_terminal
      | field  | value                        |
      | Cookie | authorization={phone.cookie} |
    Then the answer is 200
    And the answer has the fields
      | field             | value      |
      | X-Ptl-Client-Type | terminal   |
      | X-Ptl-Client-Id   | {phone.id} |
      | X-Ptl-Client-Name | phone      |

  @TERM-5
  Scenario Outline: The proxy learns that <cookie> is nobody's
    Given alice has paired the terminal tablet
    When bob's Core is asked GET /internal/authenticate_terminal
      | field  | value    |
      | Cookie | <value>  |
    Then the answer is 401
    And the answer has the fields
      | field             | value |
      | X-Ptl-Client-Type |       |

    Examples:
      | cookie              | value                         |
      | no cookie           |                               |
      | another cookie      | theme=dark                    |
      | nonsense            | authorization=nonsense        |
      | another Portal's    | authorization={tablet.cookie} |

  @TERM-6
  Scenario: The owner lists its devices
    Given bob has paired the terminal phone
    And bob has paired the terminal tablet
    When bob's owner sends GET /protected/terminals to bob's Core
    Then the answer is 200
    And the answer's list has among its members
      | id          | name   |
      | {phone.id}  | phone  |
      | {tablet.id} | tablet |

  @TERM-6
  Scenario Outline: A revoked device is a stranger from the next request on <path>
    Given bob has paired the terminal phone
    And bob has paired the terminal tablet
    When the terminal phone sends GET <path> to bob's chat
    Then it is let in as the terminal phone
    When bob's owner sends DELETE /protected/terminals/{phone.id} to bob's Core
    Then the answer is 200 or 204
    When the terminal phone sends GET <path> to bob's chat
    Then it is <outcome>
    When the terminal tablet sends GET <path> to bob's chat
    Then it is let in as the terminal tablet

    Examples:
      | path         | outcome             |
      | /notes       | refused             |
      | /public/page | let in as anonymous |

  @TERM-6 @TERM-5
  Scenario: A revoked device no longer controls the Portal
    Given bob has paired the terminal phone
    When the terminal phone sends GET /protected/peers to bob's Core
    Then the answer is 200
    When bob's owner sends DELETE /protected/terminals/{phone.id} to bob's Core
    And the terminal phone sends GET /protected/peers to bob's Core
    Then the answer is 401

  @TERM-6
  Scenario: Only the owner's devices revoke devices
    Given bob has paired the terminal phone
    When a stranger sends DELETE /protected/terminals/{phone.id} to bob's Core
    Then the answer is 401
    When the terminal phone sends GET /notes to bob's chat
    Then it is let in as the terminal phone
