using System.Text.Json;
using DistillOnnx.Teacher.Clients;

namespace DistillOnnx.Teacher.BatchJobs;

/// <summary>The calls of OpenAI's Batch API, each asked again where its failure may pass.</summary>
internal sealed class BatchApi(OpenAIChatClient client, AnnotateOptions options, TimeProvider clock)
{
    private const string TagKey = "distill_tag";

    /// <summary>Sends a file of requests.</summary>
    /// <returns>The file's id at the endpoint.</returns>
    public async Task<string> UploadAsync(string file, CancellationToken cancellationToken)
    {
        using var upload = await RetryAsync(
            async () =>
            {
                await using var stream = File.OpenRead(file);
                using var form = new MultipartFormDataContent
                {
                    { new StringContent("batch"), "purpose" },
                    { new StreamContent(stream), "file", "batch.jsonl" },
                };
                return await client.CallAsync(HttpMethod.Post, "files", form, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return upload.RootElement.GetProperty("id").GetString()!;
    }

    /// <summary>Begins the job of an uploaded file, once: one whose answer got lost is found by its tag.</summary>
    /// <returns>The job's id.</returns>
    public async Task<string> BeginAsync(string fileId, string tag, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["input_file_id"] = fileId,
            ["endpoint"] = $"/v1/{client.Path}",
            ["completion_window"] = "24h",
            ["metadata"] = new Dictionary<string, string> { [TagKey] = tag },
        });
        string? id = null;
        using var begun = await RetryAsync(
            async () =>
            {
                id ??= await FindAsync(tag, cancellationToken).ConfigureAwait(false);
                return id is null
                    ? await client.CallAsync(
                        HttpMethod.Post, "batches", OpenAIChatClient.Json(body), cancellationToken).ConfigureAwait(false)
                    : await client.CallAsync(HttpMethod.Get, $"batches/{id}", null, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return begun.RootElement.GetProperty("id").GetString()!;
    }

    /// <summary>The id of the job that was begun with a tag; null where there is none.</summary>
    public async Task<string?> FindAsync(string tag, CancellationToken cancellationToken)
    {
        for (var after = ""; ;)
        {
            using var list = await RetryAsync(
                () => client.CallAsync(HttpMethod.Get, $"batches?limit=100{after}", null, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            string? last = null;
            foreach (var batch in list.RootElement.GetProperty("data").EnumerateArray())
            {
                last = batch.GetProperty("id").GetString();
                if (batch.TryGetProperty("metadata", out var metadata)
                    && metadata.ValueKind == JsonValueKind.Object
                    && metadata.TryGetProperty(TagKey, out var found)
                    && found.GetString() == tag)
                {
                    return last;
                }
            }

            if (last is null || !(list.RootElement.TryGetProperty("has_more", out var more) && more.ValueKind == JsonValueKind.True))
                return null;
            after = $"&after={Uri.EscapeDataString(last)}";
        }
    }

    /// <summary>A job as the endpoint describes it.</summary>
    public Task<JsonDocument> GetAsync(string id, CancellationToken cancellationToken) => RetryAsync(
        () => client.CallAsync(HttpMethod.Get, $"batches/{id}", null, cancellationToken), cancellationToken);

    /// <summary>Receives a file of answers.</summary>
    public async Task DownloadAsync(string fileId, string path, CancellationToken cancellationToken)
    {
        using var done = await RetryAsync(
            async () =>
            {
                await client.DownloadAsync($"files/{fileId}/content", path, cancellationToken).ConfigureAwait(false);
                return "{}"u8.ToArray();
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<JsonDocument> RetryAsync(Func<Task<byte[]>> call, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return JsonDocument.Parse(await call().ConfigureAwait(false));
            }
            catch (Exception e) when (e is TeacherException { MayPass: true } or JsonException && attempt < options.Retries)
            {
                var wait = TimeSpan.FromSeconds(Math.Min(60, options.RetryDelay * Math.Pow(2, attempt)));
                var asked = (e as TeacherException)?.RetryAfter ?? TimeSpan.Zero;
                await Task.Delay(wait > asked ? wait : asked, clock, cancellationToken).ConfigureAwait(false);
            }
            catch (JsonException e)
            {
                throw new TeacherException(TeacherFault.Fatal, $"the endpoint's Batch API answers in another form: {e.Message}", inner: e);
            }
        }
    }
}
