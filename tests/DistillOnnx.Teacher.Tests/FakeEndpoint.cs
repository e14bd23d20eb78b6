using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DistillOnnx.Teacher.Tests;

/// <summary>
/// An HTTP endpoint on loopback that implements OpenAI's protocol and counts costs: an answer is charged once per idempotency key,
/// and repeated for the same key. A seeded plan decides which attempt at which request fails and how.
/// </summary>
internal sealed class FakeEndpoint : IAsyncDisposable
{
    public const string Model = "test-model";
    public const string Key = "test-key";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, int> _attempts = new();

    private FakeEndpoint(WebApplication app) => _app = app;

    /// <summary>Gives the answer to a question, which is the last message or the text to be continued.</summary>
    public required Func<string, string> Answer { get; init; }

    /// <summary>Share of the attempts that go wrong.</summary>
    public double FaultRate { get; init; }

    /// <summary>Gives a whole response instead of an answer: status, body.</summary>
    public Func<string, (int Status, string Body)?> Override { get; init; } = _ => null;

    /// <summary>What the endpoint allows; null: anything.</summary>
    public RateGate? Gate { get; init; }

    /// <summary>Error message for requests that ask for a schema; null: they are accepted.</summary>
    public string? SchemaRefusal { get; init; }

    /// <summary>Whether bodies are kept.</summary>
    public bool KeepsBodies { get; init; } = true;

    /// <summary>Faults done, by kind.</summary>
    public ConcurrentDictionary<FaultKind, int> Faults { get; } = new();

    /// <summary>How long an answer takes.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Answers charged, by idempotency key, with their tokens.</summary>
    public ConcurrentDictionary<string, (int Input, int Output)> Charged { get; } = new();

    /// <summary>Charged answers that were asked for again.</summary>
    public ConcurrentBag<string> Repeated { get; } = [];

    /// <summary>The Batch API.</summary>
    public FakeBatches Batches { get; } = new();

    /// <summary>Requests of any kind, by path.</summary>
    public ConcurrentDictionary<string, int> Calls { get; } = new();

    /// <summary>Bodies of the requests.</summary>
    public ConcurrentQueue<JsonElement> Bodies { get; } = new();

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/v1";

    public string Spec => $"openai:{Model}@{Url}";

    public static async Task<FakeEndpoint> StartAsync(
        Func<string, string> answer,
        double faultRate = 0,
        Func<string, (int Status, string Body)?>? instead = null,
        TimeSpan latency = default,
        RateGate? gate = null,
        bool keepsBodies = true,
        string? refusesSchema = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var endpoint = new FakeEndpoint(app)
        {
            Answer = answer,
            FaultRate = faultRate,
            Override = instead ?? (_ => null),
            Latency = latency,
            Gate = gate,
            KeepsBodies = keepsBodies,
            SchemaRefusal = refusesSchema,
        };
        app.Run(endpoint.HandleAsync);
        await app.StartAsync();
        return endpoint;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Calls.AddOrUpdate(path, 1, (_, n) => n + 1);
        if (context.Request.Headers.Authorization != $"Bearer {Key}")
        {
            await Error(
                context,
                401,
                "invalid_api_key",
                "Incorrect API key provided: "
                + $"{context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal)}");
            return;
        }

        if (path == "/v1/models")
        {
            await context.Response.WriteAsJsonAsync(new { data = new[] { new { id = Model } } });
            return;
        }

        if (path.StartsWith("/v1/files", StringComparison.Ordinal) || path.StartsWith("/v1/batches", StringComparison.Ordinal))
        {
            await Batches.HandleAsync(context, path, Answer);
            return;
        }

        var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
        if (KeepsBodies) Bodies.Enqueue(body);
        if (body.GetProperty("model").GetString() != Model)
        {
            await Error(context, 404, "model_not_found", "The model does not exist");
            return;
        }

        var chat = path.EndsWith("/chat/completions", StringComparison.Ordinal);
        var question = chat
            ? body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!
            : body.GetProperty("prompt").GetString()!;
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        if (Gate is { } gate && !gate.TryEnter(out var comeBack))
        {
            if (comeBack > 0) context.Response.Headers.RetryAfter = comeBack.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await Error(context, 429, "rate_limit_exceeded", "slow down");
            return;
        }

        if (SchemaRefusal is { } refusal && body.TryGetProperty("response_format", out _))
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync(refusal);
            return;
        }

        if (Latency > TimeSpan.Zero) await Task.Delay(Latency);
        if (Override(question) is { } instead)
        {
            context.Response.StatusCode = instead.Status;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(instead.Body);
            return;
        }

        var attempt = _attempts.AddOrUpdate(key, 0, (_, n) => n + 1);
        var fault = Fault(key, attempt);
        if (fault != FaultKind.None) Faults.AddOrUpdate(fault, 1, (_, n) => n + 1);
        if (!await FailAsync(context, fault)) return;
        var answer = Answer(question);
        var usage = (Input: question.Length / 4 + 1, Output: answer.Length / 4 + 1);
        var finish = "stop";
        var response = JsonSerializer.Serialize(new
        {
            id = key,
            model = Model,
            choices = new[] { chat
                ? (object)new { index = 0, finish_reason = finish, message = new { role = "assistant", content = answer } }
                : new { index = 0, finish_reason = finish, text = answer } },
            usage = new { prompt_tokens = usage.Input, completion_tokens = usage.Output },
        });
        if (!Charged.TryAdd(key, usage)) Repeated.Add(key);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(response);
    }

    private FaultKind Fault(string key, int attempt)
    {
        var random = new Random(HashCode(key) ^ attempt);
        return random.NextDouble() >= FaultRate ? FaultKind.None : (FaultKind)random.Next(1, 8);
    }

    private static int HashCode(string text) => text.Aggregate(17, (h, c) => unchecked(h * 31 + c));

    private static async Task<bool> FailAsync(HttpContext context, FaultKind fault)
    {
        switch (fault)
        {
            case FaultKind.None:
                return true;
            case FaultKind.TooMany:
                await Error(context, 429, "rate_limit_exceeded", "slow down");
                break;
            case FaultKind.TooManyWithRetryAfter:
                context.Response.Headers.RetryAfter = "0";
                await Error(context, 429, "rate_limit_exceeded", "slow down");
                break;
            case FaultKind.ServerError:
                await Error(context, 500, "server_error", "oops");
                break;
            case FaultKind.Reset:
                context.Abort();
                break;
            case FaultKind.Stall:
                await Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case FaultKind.TruncatedJson:
                await context.Response.WriteAsync("{\"choices\":[{\"message\":{\"content\":\"So the ans");
                break;
            default:
                await context.Response.WriteAsync("{\"result\":\"So the answer is yes.\"}");
                break;
        }

        return false;
    }

    private static async Task Error(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(new { error = new { message, type = "error", code } });
    }
}
