namespace DistillOnnx.Server.Security;

/// <summary>
/// Marks endpoints that are for operators. Where there is an admin address, they are nowhere else, and it has nothing else
/// but health.
/// </summary>
internal sealed class AdminOnly
{
    public static AdminOnly Instance { get; } = new();

    /// <summary>Hides each kind of endpoint on the other kind of address.</summary>
    public static void Use(WebApplication app) => app.Use(static (context, next) =>
    {
        var endpoint = context.GetEndpoint();
        var onAdmin = context.Features.Get<AdminConnection>() is not null;
        var forAdmin = endpoint?.Metadata.GetMetadata<AdminOnly>() is not null;
        var everywhere = endpoint?.Metadata.GetMetadata<Everywhere>() is not null;
        if (everywhere || onAdmin == forAdmin) return next(context);
        context.SetEndpoint(null);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    /// <summary>Marks endpoints that every address has.</summary>
    internal sealed class Everywhere
    {
        public static Everywhere Instance { get; } = new();
    }
}
