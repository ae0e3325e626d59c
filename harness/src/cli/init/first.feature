# The scenarios of {{ name }}: `countersign test` runs them on the Portals of countersign.toml.
# `countersign steps` prints all sentences that there are, each with an example.
Feature: {{ name }} on several Portals

{{ scenarios }}
