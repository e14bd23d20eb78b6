extern alias client;

// The client's messages, not the server's internal ones of the same names.
global using client::DistillOnnx.Client;
global using client::DistillOnnx.V1;
