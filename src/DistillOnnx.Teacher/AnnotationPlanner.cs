using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Limits;
using DistillOnnx.Teacher.Rows;

namespace DistillOnnx.Teacher;

/// <summary>Estimates an annotation before any request is paid.</summary>
internal static class AnnotationPlanner
{
    public static async Task<AnnotateResult> PlanAsync(
        AnnotateOptions options,
        TeacherSpec spec,
        RowSource rows,
        FormatChoice format,
        string? directory,
        TimeProvider clock,
        IReporter reporter,
        CancellationToken cancellationToken)
    {
        await using var journal = directory is not null && File.Exists(Path.Combine(directory, Journal.FileName))
            ? Journal.Open(directory)
            : null;
        var structured = format.Known(journal);
        if (structured is null && !options.Batch) reporter.Info(FormatChoice.Open);
        var annotator = format.Annotator(structured ?? !options.Batch);
        var model = TeacherStack.Name(spec, options);
        long count = 0, paid = 0, input = 0;
        foreach (var (_, example) in rows.ToAnnotate())
        {
            cancellationToken.ThrowIfCancellationRequested();
            count++;
            var prompt = annotator.Prompt(example);
            var tokens = TokenEstimate.Prompt(prompt);
            for (var sample = 0; sample < options.Samples; sample++)
            {
                if (journal?.Contains(RequestKey.Compute(model, prompt, annotator.Request(example, sample))) == true) paid++;
                else input += tokens;
            }
        }

        var open = count * options.Samples - paid;
        var mean = journal is { Count: > 0 }
            ? Math.Max(1, journal.Tokens.Output / journal.Count)
            : Math.Max(1, options.MaxOutputTokens / 2);
        var output = open * mean;
        var thoughts = journal is { ReasoningTokens: > 0, Count: > 0 } ? open * (journal.ReasoningTokens / journal.Count) : (long?)null;
        var prices = PriceTable.Find(spec.Priced, options.Prices);
        var plan = new AnnotatePlan
        {
            Rows = count,
            Requests = count * options.Samples,
            RequestsPaid = paid,
            InputTokens = input,
            OutputTokens = output,
            ReasoningTokens = thoughts,
            Cost = prices?.Cost(input, output, options.Batch),
            Minutes = Minutes(options, open, input + output),
            Check = await CheckAsync(options, spec, clock, cancellationToken).ConfigureAwait(false),
        };
        var price = plan.Cost is { } cost
            ? $"about ${cost:0.00}"
            : $"price unknown (the table does not know \"{spec.Model}\"; give --prices)";
        var reasoning = thoughts is { } share ? $" ({share} of thoughts)" : "";
        var minutes = plan.Minutes is { } time ? $", {time:0.0} minutes at the stated rates" : "";
        reporter.Info(
            $"{plan.Rows} rows, {plan.Requests} requests, {plan.RequestsPaid} of them paid; "
            + $"about {plan.InputTokens} + {plan.OutputTokens} tokens{reasoning}, {price}{minutes}");
        if (prices is { Output: > 0 } && PriceTable.Doubt(options.Prices, clock.GetUtcNow()) is { } doubt) reporter.Warn(doubt);
        if (plan.Check is not null) reporter.Info(plan.Check);
        return new AnnotateResult { Plan = plan };
    }

    private static double? Minutes(AnnotateOptions options, long requests, long tokens)
    {
        var byRequests = requests / options.RequestsPerMinute;
        var byTokens = tokens / options.TokensPerMinute;
        return byRequests is null ? byTokens : byTokens is null ? byRequests : Math.Max(byRequests.Value, byTokens.Value);
    }

    private static async Task<string?> CheckAsync(
        AnnotateOptions options, TeacherSpec spec, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (spec.Kind != "openai") return null;
        using var client = (OpenAIChatClient)TeacherStack.CreateClient(options, spec, clock);
        try
        {
            return await client.CheckAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (TeacherException e) when (e.Fault is TeacherFault.Setup or TeacherFault.Unreachable)
        {
            throw new InputException(e.Message, e);
        }
    }
}
