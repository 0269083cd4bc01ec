using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Hosting;
using NativeGreenlet.Hosting.Services;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds hubs, and what runs in them, to a host.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.Services.AddGreenTcpServer("echo", stream =&gt; stream.CopyTo(stream), options =&gt; options.Port = 7);
/// builder.Services.AddHealthChecks().AddGreenHubs();
/// await builder.Build().RunAsync();
/// </code></example>
public static class GreenHostingServiceCollectionExtensions
{
    /// <summary>Adds hubs that start and stop with the host (<see cref="GreenHubs"/>): options from the section
    /// <c>Greenlets:Hubs</c>, and a log of unhandled exceptions, suspected deadlocks, and whoever keeps a hub from going on.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets options, over those of the configuration.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddGreenHosting(this IServiceCollection services, Action<GreenHostOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (!services.Any(service => service.ServiceType == typeof(GreenHubs)))
        {
            services.AddSingleton(_ => new GreenHubs());
            services.AddSingleton(provider => new OptionsValidator(provider.GetService<IConfiguration>()));
            services.AddSingleton<IValidateOptions<GreenHostOptions>>(provider => provider.GetRequiredService<OptionsValidator>());
            services.AddSingleton<IValidateOptions<GreenTcpServerOptions>>(provider => provider.GetRequiredService<OptionsValidator>());
            services.AddOptions<GreenHostOptions>().BindConfiguration(OptionsValidator.HubsSection).ValidateOnStart();
            services.AddHostedService<HubsService>();
        }

        return configure is null ? services : services.Configure(configure);
    }

    /// <summary>Adds a service that runs in a hub for as long as the host does, with the hubs (<see cref="AddGreenHosting"/>).</summary>
    /// <typeparam name="T">The service; made once, when the host starts.</typeparam>
    /// <param name="services">The services.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddGreenService<T>(this IServiceCollection services)
        where T : class, IGreenService
    {
        services.AddGreenHosting();
        services.TryAddSingleton<T>();
        return services.AddSingleton<IHostedService>(provider =>
        {
            T service = provider.GetRequiredService<T>();
            return ActivatorUtilities.CreateInstance<RunService>(provider, typeof(T).Name, new Action<CancellationToken>(service.Run));
        });
    }

    /// <summary>Adds a body that runs in a hub for as long as the host does, with the hubs (<see cref="AddGreenHosting"/>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">A name for the log.</param>
    /// <param name="body">What runs; it gets the services, and a token that is cancelled when the host stops. If it throws, the host
    /// stops.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> or <paramref name="body"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    public static IServiceCollection AddGreenService(this IServiceCollection services, string name, Action<IServiceProvider, CancellationToken> body)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(body);
        services.AddGreenHosting();
        return services.AddSingleton<IHostedService>(provider =>
            ActivatorUtilities.CreateInstance<RunService>(provider, name, new Action<CancellationToken>(stopping => body(provider, stopping))));
    }

    /// <summary>Adds a TCP server that starts and stops with the host, with the hubs (<see cref="AddGreenHosting"/>). Its options are
    /// those of the section <c>Greenlets:TcpServers:NAME</c>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">A name for the log and the configuration.</param>
    /// <param name="handler">Serves a connection, in a task of its own. What it throws is logged.</param>
    /// <param name="configure">Sets options, over those of the configuration.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> or <paramref name="handler"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty, or there is a server of that name.</exception>
    public static IServiceCollection AddGreenTcpServer(this IServiceCollection services, string name, Action<GreenStream> handler, Action<GreenTcpServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return services.AddServer(name, _ => handler, configure);
    }

    /// <summary>Adds a TCP server that starts and stops with the host, whose connections are served by a class: each by an instance
    /// of its own in a scope of its own.</summary>
    /// <typeparam name="T">Serves connections.</typeparam>
    /// <param name="services">The services.</param>
    /// <param name="name">A name for the log and the configuration.</param>
    /// <param name="configure">Sets options, over those of the configuration.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty, or there is a server of that name.</exception>
    public static IServiceCollection AddGreenTcpServer<T>(this IServiceCollection services, string name, Action<GreenTcpServerOptions>? configure = null)
        where T : class, IGreenConnectionHandler
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddScoped<T>();
        return services.AddServer(name, provider => connection => HandleInScope<T>(provider, connection), configure);
    }

    private static IServiceCollection AddServer(this IServiceCollection services, string name, Func<IServiceProvider, Action<GreenStream>> makeHandler, Action<GreenTcpServerOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (services.Any(service => service.ImplementationInstance is ServerName other && other.Name == name))
        {
            throw new ArgumentException($"There is a server named '{name}' already. Name each after what it does: its options are in Greenlets:TcpServers:NAME.", nameof(name));
        }

        services.AddGreenHosting();
        services.AddSingleton(new ServerName(name));
        OptionsBuilder<GreenTcpServerOptions> options = services.AddOptions<GreenTcpServerOptions>(name)
            .BindConfiguration($"{OptionsValidator.ServersSection}:{name}")
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        return services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<TcpServerService>(provider, name, makeHandler(provider)));
    }

    private static void HandleInScope<T>(IServiceProvider provider, GreenStream connection)
        where T : class, IGreenConnectionHandler
    {
        AsyncServiceScope scope = provider.CreateAsyncScope();
        try
        {
            scope.ServiceProvider.GetRequiredService<T>().Handle(connection);
        }
        finally
        {
            Hub.Await(scope.DisposeAsync().AsTask());
        }
    }

    private sealed record ServerName(string Name);
}
