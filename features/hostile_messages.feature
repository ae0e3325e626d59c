Feature: A hostile peer sends messages that are not what they seem
  The body is another one, the message can be read in two ways, there is too much of it, or it never ends. Each attack
  is one such defect; the same request without it is let in, before and after.

  Background:
    Given the Portal bob
    And the fake Portal alice
    And bob has added alice as a peer
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |
    And bob runs files with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  Scenario Outline: No body gets in by <attack>
    When the hostile peer tries "<attack>" on bob
    Then its body is turned away, and its twin is let in

    @PROXY-10
    Examples: Body, PROXY-10
      | attack                        |
      | body-swapped                  |
      | body-truncated                |
      | body-extended                 |
      | body-with-a-line-end          |
      | body-emptied                  |
      | body-removed                  |
      | body-in-capitals              |
      | body-of-zeros                 |
      | body-swapped-in-chunks        |
      | body-extended-by-a-chunk      |
      | digest-wrong-and-signed       |
      | digest-right-in-one-line-only |
      | digest-weak                   |
      | digest-unknown                |
      | digest-of-the-wrong-length    |
      | digest-empty                  |

  Scenario Outline: Nobody gets in by <attack>
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-3
    Examples: Body, AUTH-3
      | attack                       |
      | body-swapped-with-its-digest |
      | digest-taken-off-the-list    |

  Scenario Outline: There is no way in by <attack>
    When the hostile peer tries "<attack>" on bob
    Then it is turned away, and its twin is let in

    @PROXY-4
    Examples: Smuggling, PROXY-4
      | attack                         |
      | length-doubled                 |
      | length-doubled-before          |
      | length-listed                  |
      | length-signed                  |
      | length-negative                |
      | length-in-hexadecimal          |
      | length-with-a-point            |
      | length-that-is-none            |
      | length-empty                   |
      | length-overflowing             |
      | length-before-a-blank          |
      | length-beside-chunks           |
      | chunks-before-length           |
      | request-hidden-behind-chunks   |
      | coding-repeated                |
      | coding-in-two-lines            |
      | coding-not-last                |
      | coding-identity                |
      | coding-unknown                 |
      | coding-in-quotes               |
      | coding-before-a-blank          |
      | coding-behind-a-vertical-tab   |
      | coding-folded                  |
      | chunk-size-overflowing         |
      | chunk-size-prefixed            |
      | chunk-size-negative            |
      | chunk-size-empty               |
      | chunk-longer-than-its-size     |
      | chunk-extension-with-a-bare-lf |
      | field-in-a-bare-cr             |
      | field-with-a-null              |
      | field-name-with-a-null         |
      | field-without-colon            |
      | field-without-name             |
      | field-name-with-a-blank        |
      | field-name-in-another-script   |
      | request-line-without-version   |
      | request-line-of-version-2      |
      | request-line-of-version-9      |
      | request-line-in-lower-case     |
      | request-line-with-an-asterisk  |
      | request-line-without-slash     |
      | request-line-of-connect        |

  Scenario Outline: Nobody gets in by <attack>, which may be refused as well
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, or it is refused, and its twin is let in

    @AUTH-3
    Examples: Body, AUTH-3
      | attack                 |
      | digest-of-another-body |
      | digest-dropped         |

  Scenario Outline: Nobody is held up by <attack>
    When the hostile peer tries "<attack>" on bob
    Then it holds up nobody, and its twin is let in

    @PROXY-10
    Examples: Body, PROXY-10
      | attack         |
      | body-not-whole |

    @PROXY-2
    Examples: Slow, PROXY-2
      | attack     |
      | slow-head  |
      | slow-heads |

  Scenario Outline: Nothing is hidden by <attack>
    When the hostile peer tries "<attack>" on bob
    Then it is read in one way or refused, and its twin is let in

    @PROXY-4
    Examples: Smuggling, PROXY-4
      | attack                       |
      | length-repeated              |
      | length-with-underscore       |
      | request-hidden-behind-length |
      | coding-with-underscore       |
      | coding-in-http-1-0           |
      | chunk-extension              |
      | chunk-ended-by-lf            |
      | lines-ended-by-lf            |
      | request-line-with-two-blanks |
      | request-line-with-a-tab      |

  Scenario Outline: Nothing is forged by <attack>
    When the hostile peer tries "<attack>" on bob
    Then the app is told nothing that was forged, and its twin is let in

    @PROXY-4
    Examples: Smuggling, PROXY-4
      | attack                     |
      | field-in-a-bare-lf         |
      | field-folded               |
      | field-folded-by-a-tab      |
      | first-field-behind-a-blank |

  Scenario Outline: Nothing is worn out by <attack>
    When the hostile peer tries "<attack>" on bob
    Then it costs no more than it should, and its twin is let in

    @AUTH-13
    Examples: Oversize, AUTH-13
      | attack                               |
      | oversize-field                       |
      | oversize-many-fields                 |
      | oversize-many-lines-of-a-field       |
      | oversize-many-labels                 |
      | oversize-many-signatures             |
      | oversize-many-signatures-of-the-peer |
      | oversize-many-components             |
      | oversize-many-parameters             |
      | oversize-parameter                   |
      | oversize-nonce                       |
      | oversize-keyid                       |
      | oversize-label                       |
      | oversize-query                       |
      | oversize-path                        |
      | oversize-path-of-dots                |
      | oversize-cookies                     |
      | oversize-nesting                     |
      | oversize-at-the-proxy                |
