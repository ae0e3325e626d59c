Feature: A hostile peer asks for what it may not have
  By detours, by odd spellings of paths and hosts, and by fields that say what only the Portal itself may say. Each
  attack is one such trick; the same request without it is let in, before and after.

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

  Scenario Outline: There is no way in by <attack>
    When the hostile peer tries "<attack>" on bob
    Then it is turned away, and its twin is let in

    @ACL-8
    Examples: Paths, ACL-8
      | attack                           |
      | detour-dots                      |
      | detour-dots-deeper               |
      | detour-dots-encoded              |
      | detour-dots-encoded-in-capitals  |
      | detour-one-dot-encoded           |
      | detour-slash-encoded             |
      | detour-slash-encoded-in-capitals |
      | detour-all-encoded               |
      | detour-over-a-double-slash       |
      | detour-at-the-end                |
      | detour-above-the-root            |
      | detour-with-a-dot-between        |
      | detour-from-a-closed-path        |

    @ACL-1
    Examples: Paths, ACL-1
      | attack                           |
      | path-in-capitals                 |
      | prefix-in-capitals               |
      | prefix-with-a-letter-encoded     |
      | prefix-after-a-double-slash      |
      | prefix-after-a-dot               |
      | prefix-without-slash             |
      | prefix-in-the-query              |
      | prefix-behind-a-matrix-parameter |

    @PROXY-1
    Examples: Hosts, PROXY-1
      | attack                        |
      | host-of-a-stranger            |
      | host-of-another-portal        |
      | host-with-a-foreign-end       |
      | host-with-a-foreign-beginning |
      | host-run-together             |
      | host-of-the-core              |
      | host-of-a-pattern             |
      | host-of-an-address            |
      | host-of-the-inner-name        |

    @ACL-9
    Examples: Hosts, ACL-9
      | attack                     |
      | host-of-an-app-that-is-not |

    @PROXY-4
    Examples: Hosts, PROXY-4
      | attack                               |
      | host-with-a-port-that-is-none        |
      | host-with-a-user                     |
      | host-with-a-foreign-user             |
      | host-with-a-path                     |
      | host-with-a-comma                    |
      | host-with-a-blank                    |
      | host-with-a-letter-encoded           |
      | host-in-another-script               |
      | host-empty                           |
      | host-missing                         |
      | host-doubled                         |
      | host-doubled-with-another-app        |
      | host-doubled-before-with-another-app |
      | target-names-another-host            |
      | target-names-a-stranger              |
      | target-with-a-user                   |

    @PROXY-4
    Examples: Headers, PROXY-4
      | attack                         |
      | identity-forged-before-a-blank |

    @PROXY-8
    Examples: Headers, PROXY-8
      | attack                                |
      | forwarded-uri-forged                  |
      | forwarded-uri-forged-with-underscores |
      | forwarded-path-forged                 |
      | forwarded-prefix-forged               |

    @PROXY-2
    Examples: Headers, PROXY-2
      | attack              |
      | original-url-forged |
      | original-uri-forged |
      | rewrite-url-forged  |

  Scenario Outline: Nothing is opened by <attack>
    When the hostile peer tries "<attack>" on bob
    Then it arrives as it was sent or is refused, and its twin is let in

    @ACL-8
    Examples: Paths, ACL-8
      | attack                           |
      | dots-encoded-twice               |
      | dots-behind-a-backslash          |
      | dots-behind-an-encoded-backslash |
      | dots-with-a-matrix-parameter     |
      | dots-overlong                    |
      | dots-in-full-width               |
      | dots-before-a-null               |
      | dots-with-a-blank                |
      | three-dots                       |
      | encoding-broken                  |
      | path-with-a-null                 |

  Scenario Outline: Nobody gets in by <attack>
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-3
    Examples: Paths, AUTH-3
      | attack                         |
      | path-letter-encoded            |
      | path-slash-doubled             |
      | path-dot-inserted              |
      | path-detour-inserted           |
      | path-slash-appended            |
      | path-in-another-case           |
      | path-matrix-parameter-appended |
      | path-dot-appended              |
      | path-blank-appended            |

    @PROXY-8
    Examples: Hosts, PROXY-8
      | attack                        |
      | forwarded-host-of-another-app |

    @PROXY-8
    Examples: Headers, PROXY-8
      | attack                              |
      | forwarded-method-for-another-method |

    @AUTH-3
    Examples: Headers, AUTH-3
      | attack                             |
      | method-override-for-another-method |

    @TERM-3
    Examples: Headers, TERM-3
      | attack                   |
      | cookie-that-is-unsigned  |
      | cookie-of-another-portal |
      | cookie-that-is-none      |

  Scenario Outline: Nobody gets in by <attack>, which may be refused as well
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, or it is refused, and its twin is let in

    @AUTH-3
    Examples: Paths, AUTH-3
      | attack                  |
      | path-slash-encoded      |
      | path-null-appended      |
      | path-line-end-appended  |
      | path-backslash-inserted |
      | path-fragment-appended  |
      | path-blank-inserted     |
      | path-in-utf-8           |

    @AUTH-3
    Examples: Hosts, AUTH-3
      | attack                     |
      | host-with-a-trailing-dot   |
      | host-with-another-port     |
      | host-with-the-port-of-http |

  Scenario Outline: Nothing is forged by <attack>
    When the hostile peer tries "<attack>" on bob
    Then the app is told nothing that was forged, and its twin is let in

    @ACL-6
    Examples: Headers, ACL-6
      | attack                        |
      | identity-type-forged          |
      | identity-id-forged            |
      | identity-name-forged          |
      | identity-undeclared-forged    |
      | identity-field-without-an-end |
      | identity-forged-and-signed    |
      | identity-forged-before        |
      | identity-forged-in-capitals   |
      | identity-forged-in-odd-case   |
      | identity-forged-thrice        |
      | identity-forged-in-a-trailer  |

    @ACL-7
    Examples: Headers, ACL-7
      | attack                                        |
      | identity-forged-with-underscores              |
      | identity-forged-with-one-underscore           |
      | identity-forged-with-an-underscore-first      |
      | identity-forged-in-a-trailer-with-underscores |

    @PROXY-4
    Examples: Headers, PROXY-4
      | attack                         |
      | identity-forged-behind-a-blank |

    @PROXY-2
    Examples: Headers, PROXY-2
      | attack                           |
      | identity-dropped-by-connection   |
      | forwarding-dropped-by-connection |

    @PROXY-8
    Examples: Headers, PROXY-8
      | attack                  |
      | forwarded-method-forged |
      | forwarded-proto-forged  |
      | forwarded-for-forged    |
      | forwarded-forged        |
      | forwarded-body-forged   |
