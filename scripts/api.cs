#!/usr/bin/env dotnet
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/DistillOnnx.Hosting/DistillOnnx.Hosting.csproj
#:property PublishAot=false
#:property EnforceCodeStyleInBuild=false

// A web service of your own that predicts in its own process, at its smallest.
// Copy it into your own repository and change the path above to a package or project reference.
//
//   dotnet run scripts/api.cs -- --bundle "$PWD/models/quickstart/bundle" --urls http://127.0.0.1:5090
//   curl http://127.0.0.1:5090/label -H 'content-type: application/json' \
//     -d '["Nora draws a red pear in the forest at noon. Does Nora draw a fruit outdoors?"]'

using DistillOnnx.Core.Prediction;
using DistillOnnx.Hosting;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddDistillOnnx(options => options.Bundle = builder.Configuration["bundle"] ?? "");
var app = builder.Build();
app.MapHealthChecks("/healthz");
app.MapPost("/label", (string[] texts, IPredictor predictor, CancellationToken cancellationToken) =>
    predictor.PredictAsync([.. texts.Select(t => new PredictorInput(t))], cancellationToken));
app.Run();
