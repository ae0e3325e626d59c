Feature: Installing an app from its app.json
  The Core reads every published format of app.json and app_meta.json, says clearly what is wrong with one that it
  can't read, and leaves what runs as it is.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers

  @APP-1
  Scenario Outline: <file> of version <v> is read
    Given alice runs journal with the paths
      | path | access  | headers |
      |      | private |         |
    When bob installs journal from the <file>
      """
      {
        "v": "<v>",
        "name": "journal",
        <port>,
        "paths": {
          "": {"access": "private"},
          "/shared/": {"access": "public", "headers": {"X-Ptl-Who": "{{ auth.client_type }}"}},
          "/friends/": {"access": "peer", "headers": {"X-Ptl-Who": "{{ auth.client_type }}"}}
        },
        <rest>
      }
      """
    Then the install is accepted
    When a stranger sends GET /entries to bob's journal
    Then it is refused
    When a stranger sends GET /shared/1 to bob's journal
    Then bob's journal received the fields
      | field     | value     |
      | X-Ptl-Who | anonymous |
    When alice's journal calls bob with GET /friends/1
    Then bob's journal received the fields
      | field     | value |
      | X-Ptl-Who | peer  |

    Examples:
      | file          | v   | port                                                                                                  | rest                                                                                                            |
      | app.json      | 1.0 | "image": "example/journal:1", "port": 80                                                              | "description": "A journal", "env_vars": null, "data_dirs": ["/data"]                                            |
      | app.json      | 2.0 | "image": "example/journal:1", "port": 80                                                              | "store_info": {"description_short": "A journal"}, "services": ["postgres"]                                      |
      | app.json      | 3.0 | "image": "example/journal:1", "port": 8080                                                            | "store_info": {"description_short": "A journal"}, "env_vars": {"URL": "https://journal.{{ portal.domain }}"}    |
      | app.json      | 3.1 | "image": "example/journal:1", "port": 8080                                                            | "lifecycle": {"always_on": false, "idle_time_for_shutdown": 60}                                                 |
      | app.json      | 3.2 | "image": "example/journal:1", "port": 8080                                                            | "lifecycle": {"always_on": true}, "data_dirs": [{"path": "/data", "shared_dir": "documents"}]                   |
      | app.json      | 4.0 | "image": "example/journal:1", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}]      | "lifecycle": {"always_on": false, "idle_time_for_shutdown": 60}                                                 |
      | app_meta.json | 1.0 | "icon": "icon.svg", "app_version": "1", "entrypoints": [{"container_name": "journal", "container_port": 80, "entrypoint_port": "http"}] | "lifecycle": {"always_on": true}, "minimum_portal_size": "xs", "store_info": {} |
      | app_meta.json | 1.1 | "icon": "icon.svg", "app_version": "1", "entrypoints": [{"container_name": "journal", "container_port": 80, "entrypoint_port": "http"}] | "pretty_name": "Journal", "store_info": {}                                      |
      | app_meta.json | 1.2 | "icon": "icon.svg", "app_version": "1", "entrypoints": [{"container_name": "journal", "container_port": 80, "entrypoint_port": "http"}] | "homepage": "https://journal.example", "store_info": {}                         |
      | app_meta.json | 1.3 | "icon": "icon.svg", "app_version": "1", "entrypoints": [{"container_name": "journal", "container_port": 80, "entrypoint_port": "http"}, {"container_name": "journal", "container_port": 1883, "entrypoint_port": "mqtt"}] | "store_info": {} |

  @APP-1 @level-may
  Scenario: The oldest format, without a version, is read
    When bob installs journal from the app.json
      """
      {
        "name": "journal", "image": "example/journal:1", "port": 80,
        "authentication": {
          "default_access": "public",
          "private_paths": ["/entries/"],
          "public_paths": ["/entries/shared/"]
        }
      }
      """
    Then the install is accepted
    When a stranger sends GET /entries/1 to bob's journal
    Then it is refused
    When bob's owner sends GET /entries/1 to bob's journal
    Then it is let in as the owner
    When a stranger sends GET /entries/shared/1 to bob's journal
    Then the answer is 200
    And bob's journal received the fields
      | field             | value  |
      | X-Ptl-Client-Type | public |
    When a stranger sends GET /about to bob's journal
    Then the answer is 200
    And bob's journal received the fields
      | field             | value  |
      | X-Ptl-Client-Type | public |

  @APP-1 @level-may
  Scenario Outline: The oldest format is private <where>
    When bob installs journal from the app.json
      """
      {"name": "journal", "image": "example/journal:1", "port": 80<authentication>}
      """
    Then the install is accepted
    When a stranger sends GET /entries to bob's journal
    Then it is refused
    When bob's owner sends GET /entries to bob's journal
    Then the answer is 200

    Examples:
      | where                     | authentication                                                             |
      | where it says nothing     |                                                                            |
      | where it gives no default | , "authentication": {"public_paths": ["/shared/"]}                         |
      | where it says so          | , "authentication": {"default_access": "private", "public_paths": null}    |

  @APP-1
  Scenario Outline: An unknown version of <file> is refused by name: <v>
    When bob installs journal from the <file>
      """
      {"v": <v>, "name": "journal", "port": 80, "entrypoints": [{"container_name": "journal", "container_port": 80, "entrypoint_port": "http"}], "paths": {"": {"access": "public"}}}
      """
    Then the install is refused with a reason that names "<named>"
    When a stranger sends GET / to bob's journal
    Then the answer is 404

    Examples:
      | file          | v        | named  |
      | app.json      | "9.9"    | 9.9    |
      | app.json      | "5.0"    | 5.0    |
      | app.json      | "latest" | latest |
      | app.json      | ""       | v      |
      | app.json      | 4.0      | v      |
      | app.json      | null     | v      |

  @APP-2
  Scenario Outline: An app.json with <what> is refused, and what ran goes on as it was
    Given bob runs journal with the paths
      | path     | access  | headers          |
      |          | private |                  |
      | /shared/ | public  | X-Ptl-Zone: old  |
    When bob installs journal from the app.json
      """
      {"v": "4.0", "name": "journal", "image": "example/journal:2", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}], "paths": <paths>}
      """
    Then the install is refused with a reason that names "<named>"
    When a stranger sends GET /shared/1 to bob's journal
    Then the answer is 200
    And bob's journal received the fields
      | field      | value |
      | X-Ptl-Zone | old   |
    When a stranger sends GET /entries to bob's journal
    Then it is refused

    Examples:
      | what                      | paths                                                             | named  |
      | no default access         | {"/": {"access": "public"}}                                       | paths  |
      | no paths                  | {}                                                                | paths  |
      | paths that are a list     | [{"path": "", "access": "public"}]                                | paths  |
      | paths that are nothing    | null                                                              | paths  |
      | an unknown access         | {"": {"access": "friends"}}                                       | friends |
      | an access in capitals     | {"": {"access": "PUBLIC"}}                                        | PUBLIC |
      | a path without access     | {"": {"access": "private"}, "/x/": {}}                            | access |
      | headers that are a list   | {"": {"access": "public", "headers": ["X-Ptl-A: 1"]}}             | headers |
      | a broken template         | {"": {"access": "public", "headers": {"X-Ptl-A": "{{ auth."}}}    | X-Ptl-A |
      | an unknown filter         | {"": {"access": "public", "headers": {"X-Ptl-A": "{{ 1 \| moon }}"}}} | X-Ptl-A |
      | a header name with blanks | {"": {"access": "public", "headers": {"X-Ptl- A": "1"}}}          | X-Ptl- A |

  @APP-2
  Scenario Outline: <what> is no app.json
    When bob installs journal from the app.json
      """
      <text>
      """
    Then the install is refused
    When bob's owner sends GET /protected/apps to bob's Core
    Then the answer is 200

    Examples:
      | what                 | text                                                                          |
      | Text                 | hello                                                                         |
      | Half an object       | {"v": "4.0", "name": "journal", "paths": {"": {"access": "public"             |
      | A list               | []                                                                            |
      | A number             | 42                                                                            |
      | An empty object      | {"v": "4.0"}                                                                  |
      | An app without name  | {"v": "4.0", "entrypoints": [], "paths": {"": {"access": "public"}}}          |
      | An app named {}      | {"v": "4.0", "name": {}, "entrypoints": [], "paths": {"": {"access": "public"}}} |

  @APP-2
  Scenario Outline: <name> is no name for an app
    When bob's owner sends PUT /protected/apps/<name> to bob's Core
      """
      {"v": "4.0", "name": "<name>", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}], "paths": {"": {"access": "public"}}}
      """
    Then the answer is 400, 404, 405 or 422

    Examples:
      | name          |
      | a.b           |
      | evil%2Fx      |
      | %20           |
      | a@b           |
      | ../peers      |
