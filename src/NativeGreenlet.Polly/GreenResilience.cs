using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using Polly;

namespace NativeGreenlet.Polly;

/// <summary>Executes Polly's resilience pipelines in tasks: delays and limits park the task and hold no thread, and callbacks run on its
/// hub, where they may wait.</summary>
/// <remarks>
/// <para>Each attempt is a task of its own, in the run of the caller: a lock that the caller holds (<see cref="GreenLock"/>) is not the
/// attempt's. When the pipeline cancels an attempt, by a timeout or because a hedged one was faster, the token of the callback is
/// cancelled, and the wait that the attempt is in, or its next one, throws an <see cref="OperationCanceledException"/>.</para>
/// <para>When the caller is killed, the pipeline is cancelled, its end waited for, and then the exception leaves. What the callback
/// throws reaches the strategies, and the caller, as the same object.</para>
/// <para>The strategies' own callbacks (<c>OnRetry</c>, <c>DelayGenerator</c> and the like) run between tasks on the hub's thread, or on one of the
/// thread pool. They must not wait in the hub, and not block.</para>
/// </remarks>
/// <example><code>
/// ResiliencePipeline pipeline = new ResiliencePipelineBuilder()
///     .AddRetry(new() { Delay = TimeSpan.FromSeconds(1) })
///     .AddTimeout(TimeSpan.FromSeconds(10))
///     .Build();
/// Hub.Run(() =>
/// {
///     string page = pipeline.ExecuteGreen(token => Hub.Await(new HttpClient().GetStringAsync("http://localhost/", token)));
///     Console.WriteLine(page);
/// });
/// </code></example>
public static class GreenResilience
{
    /// <summary>Lets the strategies of a pipeline wait by the time of the caller's hub (<see cref="HubOptions.TimeProvider"/>), a
    /// <see cref="GreenTestTime"/> for example. Without it they have the system's.</summary>
    /// <typeparam name="TBuilder">The type of the builder.</typeparam>
    /// <param name="builder">The builder. Call it before the strategies are built.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static TBuilder UseHubTime<TBuilder>(this TBuilder builder)
        where TBuilder : ResiliencePipelineBuilderBase
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.TimeProvider = Hub.Current.Loop.Options.TimeProvider;
        return builder;
    }

    /// <summary>Executes a callback in a pipeline, in the caller's task; it parks until the pipeline has ended.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="callback">What to do; may wait. It is called for each attempt, with the token that ends this one.</param>
    /// <param name="cancellationToken">Cancels the pipeline.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the pipeline threw: the callback's exception, or a strategy's.</exception>
    public static void ExecuteGreen(this ResiliencePipeline pipeline, Action<CancellationToken> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        pipeline.ExecuteGreen(
            new Func<CancellationToken, object?>(token =>
            {
                callback(token);
                return null;
            }),
            cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen(ResiliencePipeline, Action{CancellationToken}, CancellationToken)"/>
    public static void ExecuteGreen(this ResiliencePipeline pipeline, Action callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        pipeline.ExecuteGreen(new Action<CancellationToken>(_ => callback()), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen(ResiliencePipeline, Action{CancellationToken}, CancellationToken)"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>The pipeline's result.</returns>
    public static T ExecuteGreen<T>(this ResiliencePipeline pipeline, Func<CancellationToken, T> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(callback);
        return GreenExecution<T>.Run(callback, (call, token) => pipeline.ExecuteAsync(static (call, token) => call(token), call, token), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen{T}(ResiliencePipeline, Func{CancellationToken, T}, CancellationToken)"/>
    public static T ExecuteGreen<T>(this ResiliencePipeline pipeline, Func<T> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return pipeline.ExecuteGreen(new Func<CancellationToken, T>(_ => callback()), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen{T}(ResiliencePipeline, Func{CancellationToken, T}, CancellationToken)"/>
    public static T ExecuteGreen<T>(this ResiliencePipeline<T> pipeline, Func<CancellationToken, T> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(callback);
        return GreenExecution<T>.Run(callback, (call, token) => pipeline.ExecuteAsync(static (call, token) => call(token), call, token), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen{T}(ResiliencePipeline, Func{CancellationToken, T}, CancellationToken)"/>
    public static T ExecuteGreen<T>(this ResiliencePipeline<T> pipeline, Func<T> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return pipeline.ExecuteGreen(new Func<CancellationToken, T>(_ => callback()), cancellationToken);
    }

    /// <summary>Executes an asynchronous callback in a pipeline, in the caller's task; it parks until the pipeline has ended. An
    /// attempt ends when what the callback returned has completed. What comes after an <c>await</c> is on the hub, too, and may wait
    /// there.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="callback">What to do. It is called for each attempt, with the token that ends this one.</param>
    /// <param name="cancellationToken">Cancels the pipeline.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the pipeline threw: the callback's exception, or a strategy's.</exception>
    public static void ExecuteGreen(this ResiliencePipeline pipeline, Func<CancellationToken, Task> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        pipeline.ExecuteGreen(new Action<CancellationToken>(token => HubSynchronizationContext.RunHere(() => callback(token))), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen(ResiliencePipeline, Func{CancellationToken, Task}, CancellationToken)"/>
    public static void ExecuteGreen(this ResiliencePipeline pipeline, Func<Task> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        pipeline.ExecuteGreen(new Action<CancellationToken>(_ => HubSynchronizationContext.RunHere(callback)), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen(ResiliencePipeline, Func{CancellationToken, Task}, CancellationToken)"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>The pipeline's result.</returns>
    [OverloadResolutionPriority(1)]
    public static T ExecuteGreen<T>(this ResiliencePipeline pipeline, Func<CancellationToken, Task<T>?> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return pipeline.ExecuteGreen(new Func<CancellationToken, T>(token => RunHere(() => callback(token))), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen{T}(ResiliencePipeline, Func{CancellationToken, Task{T}}, CancellationToken)"/>
    [OverloadResolutionPriority(1)]
    public static T ExecuteGreen<T>(this ResiliencePipeline pipeline, Func<Task<T>?> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return pipeline.ExecuteGreen(new Func<CancellationToken, T>(_ => RunHere(callback)), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen{T}(ResiliencePipeline, Func{CancellationToken, Task{T}}, CancellationToken)"/>
    [OverloadResolutionPriority(1)]
    public static T ExecuteGreen<T>(this ResiliencePipeline<T> pipeline, Func<CancellationToken, Task<T>?> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return pipeline.ExecuteGreen(new Func<CancellationToken, T>(token => RunHere(() => callback(token))), cancellationToken);
    }

    /// <inheritdoc cref="ExecuteGreen{T}(ResiliencePipeline, Func{CancellationToken, Task{T}}, CancellationToken)"/>
    [OverloadResolutionPriority(1)]
    public static T ExecuteGreen<T>(this ResiliencePipeline<T> pipeline, Func<Task<T>?> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return pipeline.ExecuteGreen(new Func<CancellationToken, T>(_ => RunHere(callback)), cancellationToken);
    }

    private static T RunHere<T>(Func<Task<T>?> callback)
    {
        Task<T>? task = null;
        HubSynchronizationContext.RunHere(() => task = NoTask.Replace(callback()));
        return task!.GetAwaiter().GetResult();
    }
}
