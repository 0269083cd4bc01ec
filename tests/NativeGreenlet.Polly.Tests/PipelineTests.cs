using System.Threading.RateLimiting;
using global::Polly;
using global::Polly.CircuitBreaker;
using global::Polly.Hedging;
using global::Polly.RateLimiting;
using global::Polly.Retry;
using global::Polly.Timeout;

namespace NativeGreenlet.Polly.Tests;

/// <summary>Pipelines of every strategy in a task: they wait by the time of its hub, callbacks wait there, and nothing is
/// blocked.</summary>
public class PipelineTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Fact]
    public void Retries_wait_by_the_time_of_the_hub_and_callbacks_on_it() => InTime(time =>
    {
        Hub here = Hub.Current;
        FormatException error = new();
        List<TimeSpan> attempts = [];
        ResiliencePipeline pipeline = Builder().AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 3, Delay = s_hour }).Build();
        int result = pipeline.ExecuteGreen(() =>
        {
            Assert.Same(here, Hub.Current);
            attempts.Add(time.Elapsed);
            Hub.Sleep(s_hour);
            return attempts.Count == 3 ? 7 : throw error;
        });
        Assert.Equal(7, result);
        Assert.Equal([TimeSpan.Zero, 2 * s_hour, 4 * s_hour], attempts);
        Assert.Same(error, Assert.Throws<FormatException>(() => pipeline.ExecuteGreen(() => { throw error; })));
    });

    [Fact]
    public void Others_run_while_a_pipeline_waits() => InHub(() =>
    {
        int turns = 0;
        bool isOver = false;
        Hub.Spawn(() =>
        {
            while (!isOver)
            {
                turns++;
                Hub.Sleep(TimeSpan.FromMilliseconds(1));
            }
        });
        int attempts = 0;
        ResiliencePipeline pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { Delay = TimeSpan.FromMilliseconds(20) }).Build();
        pipeline.ExecuteGreen(() =>
        {
            if (++attempts < 3)
            {
                throw new FormatException();
            }
        });
        isOver = true;
        Assert.Equal(3, attempts);
        Assert.InRange(turns, 2, int.MaxValue);
    });

    /// <summary>A timeout ends the wait of the callback, even if that does not look at its token.</summary>
    [Fact]
    public void A_timeout_reaches_the_callback() => InTime(time =>
    {
        ResiliencePipeline pipeline = Builder().AddTimeout(s_hour).Build();
        bool isCleaned = false;
        Assert.Throws<TimeoutRejectedException>(() => pipeline.ExecuteGreen(token =>
        {
            try
            {
                Hub.Sleep(Timeout.InfiniteTimeSpan, CancellationToken.None);
            }
            finally
            {
                Assert.True(token.IsCancellationRequested);
                isCleaned = true;
            }
        }));
        Assert.True(isCleaned);
        Assert.Equal(s_hour, time.Elapsed);
    });

    [Fact]
    public void A_circuit_breaker_opens_and_closes_by_the_time_of_the_hub() => InTime(time =>
    {
        ResiliencePipeline pipeline = Builder().AddCircuitBreaker(new CircuitBreakerStrategyOptions { MinimumThroughput = 2, FailureRatio = 0.5, SamplingDuration = s_hour, BreakDuration = s_hour }).Build();
        for (int i = 0; i < 2; i++)
        {
            Assert.Throws<FormatException>(() => pipeline.ExecuteGreen(() => { throw new FormatException(); }));
        }

        Assert.Throws<BrokenCircuitException>(() => pipeline.ExecuteGreen(() => { Assert.Fail("It is open."); }));
        Hub.Sleep(s_hour + TimeSpan.FromSeconds(1));
        Assert.Equal(1, pipeline.ExecuteGreen(() => 1));
    });

    [Fact]
    public void A_hedged_attempt_that_is_slower_is_ended()
    {
        for (int i = 0; i < 20; i++)
        {
            InTime(Hedge);
        }
    }

    [Fact]
    public void A_rate_limiter_lets_so_many_in() => InHub(() =>
    {
        ResiliencePipeline pipeline = new ResiliencePipelineBuilder().AddConcurrencyLimiter(2, 10).Build();
        int inside = 0;
        int most = 0;
        Hub.WaitAll(Enumerable.Range(0, 6).Select(_ => Hub.Spawn(() => pipeline.ExecuteGreen(() =>
        {
            most = Math.Max(most, ++inside);
            Hub.Sleep(TimeSpan.FromMilliseconds(2));
            inside--;
        }))));
        Assert.Equal(2, most);
        ResiliencePipeline full = new ResiliencePipelineBuilder().AddConcurrencyLimiter(1, 0).Build();
        full.ExecuteGreen(() =>
        {
            Assert.Throws<RateLimiterRejectedException>(() => full.ExecuteGreen(() => { }));
        });
    });

    [Fact]
    public void A_kill_of_the_caller_ends_the_callback_and_is_not_retried() => InHub(() =>
    {
        ResiliencePipeline pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { Delay = s_hour }).Build();
        List<string> events = [];
        GreenTask caller = Hub.Spawn(() =>
        {
            try
            {
                pipeline.ExecuteGreen(() =>
                {
                    events.Add("begun");
                    try
                    {
                        Hub.Sleep(Timeout.InfiniteTimeSpan);
                    }
                    finally
                    {
                        Hub.Yield();
                        events.Add("cleaned");
                    }
                });
            }
            finally
            {
                events.Add("left");
            }
        });
        while (events.Count == 0)
        {
            Hub.Yield();
        }

        caller.Kill();
        Assert.True(caller.IsKilled);
        Assert.Equal(["begun", "cleaned", "left"], events);
    });

    [Fact]
    public void Callbacks_may_be_asynchronous_and_wait_on_the_hub_after_an_await() => InHub(() =>
    {
        Hub here = Hub.Current;
        int attempts = 0;
        ResiliencePipeline pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { Delay = TimeSpan.FromMilliseconds(1) }).Build();
        int result = pipeline.ExecuteGreen(async token =>
        {
            await Task.Delay(1, token);
            Assert.Same(here, Hub.Current);
            Hub.Sleep(TimeSpan.FromMilliseconds(1), token);
            return ++attempts == 2 ? 9 : throw new FormatException();
        });
        Assert.Equal(9, result);
        pipeline.ExecuteGreen(async () => await Task.Yield());
        Assert.Throws<FormatException>(() => ResiliencePipeline.Empty.ExecuteGreen(async () =>
        {
            await Task.Yield();
            throw new FormatException();
        }));
    });

    [Fact]
    public void A_token_of_the_caller_ends_it() => InHub(() =>
    {
        using CancellationTokenSource source = new();
        ResiliencePipeline<int> pipeline = ResiliencePipeline<int>.Empty;
        Assert.ThrowsAny<OperationCanceledException>(() => pipeline.ExecuteGreen(
            token =>
            {
                source.Cancel();
                Assert.True(token.IsCancellationRequested);
                Hub.Sleep(Timeout.InfiniteTimeSpan, CancellationToken.None);
                return 1;
            },
            source.Token));
    });

    [Fact]
    public void The_context_of_the_caller_flows_to_every_attempt() => InHub(() =>
    {
        AsyncLocal<string> name = new() { Value = "caller" };
        int attempts = 0;
        ResiliencePipeline pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { Delay = TimeSpan.FromMilliseconds(1) }).Build();
        pipeline.ExecuteGreen(() =>
        {
            Assert.Equal("caller", name.Value);
            if (++attempts < 3)
            {
                throw new FormatException();
            }
        });
        Assert.Equal(3, attempts);
    });

    [Fact]
    public void Outside_of_hubs_it_says_so()
    {
        Assert.Throws<MissingHubException>(() => ResiliencePipeline.Empty.ExecuteGreen(() => { }));
        Assert.Throws<MissingHubException>(() => new ResiliencePipelineBuilder().UseHubTime());
        Assert.Throws<ArgumentNullException>(() => ResiliencePipeline.Empty.ExecuteGreen((Action)null!));
    }

    /// <summary>The lease of a wait that is given up is returned.</summary>
    [Fact]
    public void Permits_are_waited_for_and_none_is_lost() => InHub(() =>
    {
        using RateLimiter limiter = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 10 });
        for (int i = 0; i < 100; i++)
        {
            RateLimitLease lease = limiter.AcquireGreen();
            Assert.True(lease.IsAcquired);
            GreenTask waiter = Hub.Spawn(() => limiter.AcquireGreen().Dispose());
            Hub.Yield();
            Assert.False(waiter.IsCompleted);
            if (i % 2 == 0)
            {
                lease.Dispose();
                waiter.Kill(); // at the moment at which it gets its lease
            }
            else
            {
                waiter.Kill();
                lease.Dispose();
            }
        }

        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => limiter.AcquireGreen(1, source.Token));
        long start = Environment.TickCount64;
        RateLimitLease? last;
        do
        {
            last = limiter.AttemptAcquire();
        }
        while (!last.IsAcquired && Environment.TickCount64 - start < s_patience.TotalMilliseconds);
        Assert.True(last.IsAcquired);
    });

    private static void Hedge(GreenTestTime time)
    {
        ResiliencePipeline<int> pipeline = new ResiliencePipelineBuilder<int>().UseHubTime()
            .AddHedging(new HedgingStrategyOptions<int> { MaxHedgedAttempts = 1, Delay = s_hour }).Build();
        int attempts = 0;
        GreenEvent firstEnded = new();
        int result = pipeline.ExecuteGreen(() =>
        {
            int attempt = ++attempts;
            try
            {
                Hub.Sleep(attempt == 1 ? 10 * s_hour : TimeSpan.FromMinutes(1));
            }
            catch (OperationCanceledException) when (attempt == 1)
            {
                firstEnded.Set();
                throw;
            }

            return attempt;
        });
        Assert.Equal(2, result);
        Assert.True(firstEnded.Wait(s_hour));
        Assert.Equal(s_hour + TimeSpan.FromMinutes(1), time.Elapsed);
    }

    private static ResiliencePipelineBuilder Builder() => new ResiliencePipelineBuilder().UseHubTime();

    private static void InTime(Action<GreenTestTime> body)
    {
        GreenTestTime time = new();
        Run(() => body(time), new HubOptions { TimeProvider = time });
    }

    private static void InHub(Action body) => Run(body, null);

    private static void Run(Action body, HubOptions? options)
    {
        Task run = Task.Factory.StartNew(() => Hub.Run(body, options), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (Task.WaitAny([run], s_patience) < 0)
        {
            throw new TimeoutException($"The test hangs: {options?.TimeProvider}");
        }

        run.GetAwaiter().GetResult();
    }
}
