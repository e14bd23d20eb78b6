using DistillOnnx.Client;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Hosting;
using DistillOnnx.Runtime;
using Microsoft.AspNetCore.Builder;

namespace DistillOnnx.Cli.Tests;

/// <summary>The C# of the pages, so that it compiles: <see cref="PageTests"/> holds that this file has every line of it.</summary>
internal static class PageSnippets
{
    public static void Predict()
    {
        using var predictor = BundlePredictor.Open("models/esnli-onnx");
        var answer = predictor.Predict([new PredictorInput("A man sleeps.</s>A man is awake.")])[0];
        Console.WriteLine($"{answer.Label} {answer.Probability:0.000}");
    }

    public static async Task<string> CallAsync()
    {
        using var client = new PredictionClient("http://127.0.0.1:5080");
        var answer = await client.PredictAsync("esnli", "A man sleeps.</s>A man is awake.");
        return answer.Label;
    }

    public static async Task<int> CallManyAsync()
    {
        using var client = new PredictionClient(new PredictionClientOptions
        {
            Addresses = ["dns:///distillonnx:5080"],
            Deadline = TimeSpan.FromSeconds(2),
            ApiKey = Environment.GetEnvironmentVariable("API_KEY"),
        });
        var answers = await client.PredictAsync("esnli", ["A man sleeps.</s>A man is awake.", "A dog runs.</s>An animal moves."]);
        return answers.Count;
    }

    public static void Serve(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddDistillOnnx(options => options.Bundle = "models/quickstart/bundle");
        var app = builder.Build();
        app.MapHealthChecks("/healthz");
        app.MapPost("/label", (string[] texts, IPredictor predictor, CancellationToken cancellationToken) =>
            predictor.PredictAsync([.. texts.Select(t => new PredictorInput(t))], cancellationToken));
        app.Run();
    }
}
