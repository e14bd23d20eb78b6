using System.Globalization;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Limits;
using DistillOnnx.Teacher.Rows;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.BatchJobs;

/// <summary>
/// Asks through OpenAI's Batch API. In waves: what the rows need and the journal lacks goes into files, each file is a job,
/// and the answers of finished jobs go into the journal; what follows from them (unparsable answers, rationalisations) is the
/// next wave. Jobs of an earlier run that was killed are waited for first.
/// </summary>
internal sealed class BatchJobRunner(
    AnnotateOptions options,
    RowSource rows,
    RowAnnotator annotator,
    TeacherStack stack,
    string directory,
    TimeProvider clock,
    IReporter reporter)
{
    private const int MostWavesWithoutAnswers = 3;
    private const long MostBytes = 190L << 20;
    private static readonly string[] Ended = ["completed", "failed", "expired", "cancelled"];
    private readonly OpenAIChatClient _client = Client(stack);
    private readonly BatchApi _api = new(Client(stack), options, clock);
    private readonly BatchLog _log = new(directory);

    // By request, the most tokens that it can take: what its answer counts as where the endpoint counts none.
    private Dictionary<UInt128, (long Input, long Output)> _reserved = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RunAllAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException)
        {
            throw new TeacherException(TeacherFault.Fatal, $"the endpoint's Batch API answers in another form: {e.Message}", inner: e);
        }
    }

    private static OpenAIChatClient Client(TeacherStack stack) =>
        stack.Client as OpenAIChatClient ?? throw new InputException("--batch needs --teacher openai:…");

    private async Task RunAllAsync(CancellationToken cancellationToken)
    {
        await ReattachAsync(cancellationToken).ConfigureAwait(false);
        await ProbeAsync(cancellationToken).ConfigureAwait(false);
        await WavesAsync(rows.ToAnnotate().Select(r => r.Example), cancellationToken).ConfigureAwait(false);
    }

    // A job is paid as a whole. The first rows are sent before the others, so that unusable answers cost no more than these rows.
    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        var first = rows.ToAnnotate().Take(UnusableAnswers.Most + 1).Select(r => r.Example).ToList();
        if (first.Count <= UnusableAnswers.Most) return;
        first.RemoveAt(UnusableAnswers.Most);
        if ((await KnownAsync(first, cancellationToken).ConfigureAwait(false)).Any(o => o.Label is not null)) return;
        reporter.Info(
            $"the first {first.Count} rows are asked in a job of their own; the others follow once one of these answers can be used");
        await WavesAsync(first, cancellationToken).ConfigureAwait(false);
        var unusable = new UnusableAnswers();
        foreach (var (example, outcome) in first.Zip(await KnownAsync(first, cancellationToken).ConfigureAwait(false)))
            unusable.Note(example, outcome);
    }

    // Outcomes of rows by the answers in the journal.
    private async Task<List<RowOutcome>> KnownAsync(List<Example> examples, CancellationToken cancellationToken)
    {
        var outcomes = new List<RowOutcome>();
        stack.Journaled.Collector = (_, _, _) => { };
        try
        {
            foreach (var example in examples)
                outcomes.Add(await annotator.AnnotateAsync(example, stack.Journaled, cancellationToken).ConfigureAwait(false));
            return outcomes;
        }
        finally
        {
            stack.Journaled.Collector = null;
        }
    }

    private async Task WavesAsync(IEnumerable<Example> examples, CancellationToken cancellationToken)
    {
        for (var empty = 0; empty < MostWavesWithoutAnswers;)
        {
            var before = stack.Journaled.Asked;
            var requests = await WaveAsync(examples, cancellationToken).ConfigureAwait(false);
            if (requests == 0) return;
            empty = stack.Journaled.Asked > before ? 0 : empty + 1;
        }

        reporter.Warn("the last batch jobs gave no answers; what is open stays open");
    }

    private async Task ReattachAsync(CancellationToken cancellationToken)
    {
        if (_log.Open.Count > 0) await ReserveOpenAsync(cancellationToken).ConfigureAwait(false);
        foreach (var (tag, known) in _log.Open)
        {
            var id = known ?? await _api.FindAsync(tag, cancellationToken).ConfigureAwait(false);
            if (id is null)
            {
                _log.Done(tag);
                continue;
            }

            reporter.Info($"batch job {id} of an earlier run is waited for");
            if (known is null) _log.Begin(tag, id);
            await CollectAsync(tag, id, cancellationToken).ConfigureAwait(false);
        }
    }

    // The requests of jobs of an earlier run are those that the journal does not answer yet.
    private async Task ReserveOpenAsync(CancellationToken cancellationToken)
    {
        stack.Journaled.Collector = (key, prompt, request) => _reserved[key] = Most(prompt, request);
        try
        {
            foreach (var row in rows.ToAnnotate())
                await annotator.AnnotateAsync(row.Example, stack.Journaled, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            stack.Journaled.Collector = null;
        }
    }

    private async Task<int> WaveAsync(IEnumerable<Example> examples, CancellationToken cancellationToken)
    {
        var asked = _reserved = [];
        var budget = stack.NewBudget();
        stack.Exhausted = false;
        var jobs = new List<(string Tag, string Id)>();
        var (file, count) = (Path.Combine(directory, "batch.jsonl"), 0);
        var stream = File.Create(file);
        stack.Journaled.Collector = (key, prompt, request) =>
        {
            if (asked.ContainsKey(key)) return;
            var (input, output) = Most(prompt, request);
            if (!budget.TryReserve(input, output))
            {
                stack.Exhausted = true;
                return;
            }

            asked.Add(key, (input, output));
            Write(stream, key, prompt, request);
            count++;
        };
        try
        {
            foreach (var example in examples)
            {
                await annotator.AnnotateAsync(example, stack.Journaled, cancellationToken).ConfigureAwait(false);
                if (count < options.BatchSize && stream.Length < MostBytes) continue;
                await BeginAsync().ConfigureAwait(false);
            }

            if (count > 0) await BeginAsync().ConfigureAwait(false);
        }
        finally
        {
            stack.Journaled.Collector = null;
            await stream.DisposeAsync().ConfigureAwait(false);
            File.Delete(file);
        }

        foreach (var (tag, id) in jobs) await CollectAsync(tag, id, cancellationToken).ConfigureAwait(false);
        return asked.Count;

        async Task BeginAsync()
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            jobs.Add(await SubmitAsync(file, count, cancellationToken).ConfigureAwait(false));
            stream = File.Create(file);
            count = 0;
        }
    }

    private static (long Input, long Output) Most(IList<ChatMessage> prompt, ChatOptions request) =>
        ((long)(TokenEstimate.Prompt(prompt) * BudgetedChatClient.Margin), request.MaxOutputTokens ?? 0);

    private void Write(Stream stream, UInt128 key, IList<ChatMessage> prompt, ChatOptions request)
    {
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("custom_id", Journal.Text(key));
            json.WriteString("method", "POST");
            json.WriteString("url", $"/v1/{_client.Path}");
            json.WritePropertyName("body");
            json.WriteRawValue(_client.Body(prompt, request));
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }

    private async Task<(string Tag, string Id)> SubmitAsync(string file, int count, CancellationToken cancellationToken)
    {
        var uploaded = await _api.UploadAsync(file, cancellationToken).ConfigureAwait(false);
        var tag = Guid.NewGuid().ToString("N");
        _log.Intend(tag);
        var id = await _api.BeginAsync(uploaded, tag, cancellationToken).ConfigureAwait(false);
        _log.Begin(tag, id);
        reporter.Info($"batch job {id}: {count} requests");
        return (tag, id);
    }

    private async Task CollectAsync(string tag, string id, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var batch = await _api.GetAsync(id, cancellationToken).ConfigureAwait(false);
            var status = batch.RootElement.GetProperty("status").GetString()!;
            if (batch.RootElement.TryGetProperty("request_counts", out var counts) && counts.ValueKind == JsonValueKind.Object)
                reporter.Progress(
                    "annotate",
                    counts.GetProperty("completed").GetInt64(),
                    counts.GetProperty("total").GetInt64(),
                    $"batch job {id} is {status}");
            if (!Ended.Contains(status))
            {
                await Task.Delay(TimeSpan.FromSeconds(options.BatchPoll), clock, cancellationToken).ConfigureAwait(false);
                continue;
            }

            foreach (var name in (string[])["output_file_id", "error_file_id"])
            {
                if (batch.RootElement.TryGetProperty(name, out var file)
                    && file.ValueKind == JsonValueKind.String
                    && file.GetString()!.Length > 0)
                {
                    await KeepAsync(id, file.GetString()!, cancellationToken).ConfigureAwait(false);
                }
            }

            if (status != "completed")
                reporter.Warn(
                    $"batch job {id} is {status}{Why(batch.RootElement)}; what it answered is kept, and the rest is asked for again");
            _log.Done(tag);
            return;
        }
    }

    private static string Why(JsonElement batch) =>
        batch.TryGetProperty("errors", out var errors)
            && errors.ValueKind == JsonValueKind.Object
            && errors.TryGetProperty("data", out var list)
            && list.ValueKind == JsonValueKind.Array
            && list.GetArrayLength() > 0
        && list[0].TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String
        ? $" ({message.GetString()!.ReplaceLineEndings(" ")})"
        : "";

    private async Task KeepAsync(string id, string fileId, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, "batch-answers.jsonl");
        await _api.DownloadAsync(fileId, path, cancellationToken).ConfigureAwait(false);
        var pending = new List<Task>();
        foreach (var line in JsonLines.Read(path))
        {
            using var document = JsonDocument.Parse(line.Utf8);
            if (!UInt128.TryParse(
                document.RootElement.GetProperty("custom_id").GetString(),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var key))
            {
                continue;
            }

            stack.NoteBatched();
            pending.Add(KeepAsync(id, key, document.RootElement));
            if (pending.Count < 1000) continue;
            await Task.WhenAll(pending).ConfigureAwait(false);
            pending.Clear();
        }

        await Task.WhenAll(pending).ConfigureAwait(false);
        File.Delete(path);
    }

    // Nothing of the line is used after the first wait, when its document may be gone.
    private async Task KeepAsync(string job, UInt128 key, JsonElement line)
    {
        try
        {
            if (Read(line) is not { } answer) return;
            // A request that no row makes any more has no prompt here to estimate.
            var (input, output) = _reserved.GetValueOrDefault(key, (0, options.MaxOutputTokens));
            var limited = options.Budget is not null || options.BudgetTokens is not null;
            var uncounted = BudgetedChatClient.TryCount(answer, input, output, limited);
            if (await stack.Journaled.KeepAsync(key, answer).ConfigureAwait(false) && uncounted) stack.NoteUncounted();
        }
        catch (TeacherException e)
        {
            // A later run may receive the job's file again.
            if (e.Usage is { } lost)
                await stack.Journaled.LoseAsync(key, lost, $"{job} {Journal.Text(key)}").ConfigureAwait(false);
            if (e.OfRequest) stack.Journaled.Refuse(key, e);
            // What may pass is asked for again by the next wave.
            else if (!e.MayPass) throw;
        }
    }

    private ChatResponse? Read(JsonElement line)
    {
        if (!line.TryGetProperty("response", out var response) || response.ValueKind != JsonValueKind.Object) return null;
        var status = response.GetProperty("status_code").GetInt32();
        var body = JsonSerializer.SerializeToUtf8Bytes(response.GetProperty("body"));
        if (status == 200) return _client.Answer(body);
        if (!_client.WantsOtherParameters(status, body)) _client.RequireSuccess(status, body);
        return null;
    }
}
