using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace DistillOnnx.Teacher.Tests;

/// <summary>The Batch API of the endpoint: files in memory, jobs that end when they have been looked at a few times.</summary>
internal sealed class FakeBatches
{
    private readonly ConcurrentDictionary<string, string> _files = new();
    private readonly ConcurrentDictionary<string, JsonObject> _jobs = new();
    private readonly ConcurrentDictionary<string, int> _checks = new();

    private const int PageSize = 2;

    /// <summary>Number of checks after which a job ends; a job of the future never does.</summary>
    public int ChecksNeeded { get; set; } = 2;

    /// <summary>Fails one answer in so many with a server's error; 0: none.</summary>
    public int FailEvery { get; set; }

    /// <summary>The body of the answer to a question; null: one with the endpoint's text.</summary>
    public Func<string, string>? Body { get; set; }

    /// <summary>Requests of all jobs, by key: each is charged.</summary>
    public ConcurrentBag<string> Charged { get; } = [];

    /// <summary>Adds jobs of someone else's, newer than all that are there.</summary>
    public void AddForeign(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var id = $"batch_x{i}";
            _jobs[id] = new JsonObject { ["id"] = id, ["status"] = "completed", ["metadata"] = null };
        }
    }

    public int Jobs => _jobs.Count;

    public async Task HandleAsync(HttpContext context, string path, Func<string, string> answer)
    {
        switch (context.Request.Method, path)
        {
            case ("POST", "/v1/files"):
                var form = await context.Request.ReadFormAsync();
                using (var reader = new StreamReader(form.Files["file"]!.OpenReadStream()))
                    await context.Response.WriteAsJsonAsync(new { id = Store(await reader.ReadToEndAsync()) });
                break;
            case ("GET", _) when path.EndsWith("/content", StringComparison.Ordinal):
                await context.Response.WriteAsync(_files[path.Split('/')[3]]);
                break;
            case ("POST", "/v1/batches"):
                var request = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
                var job = new JsonObject
                {
                    ["id"] = $"batch_{_jobs.Count}",
                    ["status"] = "in_progress",
                    ["input_file_id"] = (string?)request["input_file_id"],
                    ["metadata"] = request["metadata"]!.DeepClone(),
                };
                _jobs[(string)job["id"]!] = job;
                foreach (var line in _files[(string)request["input_file_id"]!].Split('\n', StringSplitOptions.RemoveEmptyEntries))
                    Charged.Add(JsonDocument.Parse(line).RootElement.GetProperty("custom_id").GetString()!);
                await context.Response.WriteAsync(job.ToJsonString());
                break;
            case ("GET", "/v1/batches"):
                var after = context.Request.Query["after"].ToString();
                var jobs = _jobs.Values.OrderByDescending(j => (string)j["id"]!, StringComparer.Ordinal).ToList();
                var from = after.Length == 0 ? 0 : jobs.FindIndex(j => (string)j["id"]! == after) + 1;
                await context.Response.WriteAsync(new JsonObject
                {
                    ["data"] = new JsonArray([.. jobs.Skip(from).Take(PageSize).Select(j => j.DeepClone())]),
                    ["has_more"] = from + PageSize < jobs.Count,
                }.ToJsonString());
                break;
            default:
                var found = _jobs[path.Split('/')[3]];
                if (_checks.AddOrUpdate((string)found["id"]!, 1, (_, n) => n + 1) >= ChecksNeeded
                    && (string?)found["status"] == "in_progress")
                {
                    End(found, answer);
                }
                await context.Response.WriteAsync(found.ToJsonString());
                break;
        }
    }

    private void End(JsonObject job, Func<string, string> answer)
    {
        var lines = new List<string>();
        foreach (var line in _files[(string)job["input_file_id"]!].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var request = JsonDocument.Parse(line).RootElement;
            var question = request.GetProperty("body").GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
            var key = request.GetProperty("custom_id").GetString();
            var fails = FailEvery > 0 && lines.Count % FailEvery == FailEvery - 1;
            object body = fails
                ? new { error = new { message = "oops" } }
                : Body is { } whole ? JsonNode.Parse(whole(question))!
                : new
                {
                    model = FakeEndpoint.Model,
                    choices = new[] { new { finish_reason = "stop", message = new { content = answer(question) } } },
                    usage = new { prompt_tokens = 5, completion_tokens = 7 },
                };
            lines.Add(JsonSerializer.Serialize(new { custom_id = key, response = new { status_code = fails ? 500 : 200, body } }));
        }

        job["output_file_id"] = Store(string.Join('\n', lines) + "\n");
        job["status"] = "completed";
    }

    private string Store(string text)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"file-{_files.Count}");
        _files[id] = text;
        return id;
    }
}
