"""The bundled scenarios: what a Docker host does to packets, one behaviour a file."""
