using DistillOnnx.Core.Prediction;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace DistillOnnx.Hosting;

/// <summary>Adds a bundle to a program's services.</summary>
public static class ServiceCollectionExtensions
{
    /// <summary>
    /// Adds an <see cref="IPredictor"/> over a bundle: one instance for the whole program, safe for any number of threads,
    /// which runs the rows of calls that come at the same time together. Options are checked and the bundle is opened while
    /// the program starts. A health check named <c>distillonnx</c> asks the model for an answer.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="configure">Sets the options; null: they are configured elsewhere, for instance bound to a section of
    /// the configuration.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddDistillOnnx(this IServiceCollection services, Action<DistillOnnxOptions>? configure = null)
    {
        var options = services.AddOptions<DistillOnnxOptions>().ValidateOnStart();
        if (configure is not null) options.Configure(configure);
        if (services.Any(s => s.ImplementationType == typeof(BatchingPredictor))) return services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DistillOnnxOptions>, OptionsCheck>());
        services.AddSingleton<IPredictor, BatchingPredictor>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ModelStart>());
        services.AddHealthChecks().AddCheck<ModelHealthCheck>(ModelHealthCheck.Name);
        return services;
    }
}
