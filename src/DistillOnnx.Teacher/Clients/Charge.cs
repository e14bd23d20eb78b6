using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Carries what an endpoint says an answer took around a provider's package, which drops it where it cannot read the answer. Each
/// request has its own, within its flow of calls.
/// </summary>
internal sealed class Charge
{
    private static readonly AsyncLocal<Charge?> Current = new();

    private Charge()
    {
    }

    /// <summary>What was reported; null: nothing.</summary>
    public UsageDetails? Usage { get; private set; }

    /// <summary>Begins a request.</summary>
    public static Charge Begin() => Current.Value = new Charge();

    /// <summary>Notes what the body of the request's answer reports.</summary>
    public static void Note(byte[] body)
    {
        if (Current.Value is { } charge) charge.Usage = ReportedUsage.Find(body) ?? charge.Usage;
    }
}
