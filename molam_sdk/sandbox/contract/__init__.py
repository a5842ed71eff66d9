"""The wire contract: values and bodies and what checks them, the shapes of answers and errors, the OpenAPI document."""
