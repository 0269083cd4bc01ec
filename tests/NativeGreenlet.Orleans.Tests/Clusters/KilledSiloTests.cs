using NativeGreenlet.Orleans.Tests.Infrastructure;
using NativeGreenlet.OrleansBank;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Tests.Clusters;

/// <summary>Three silos, each a process, of which one is killed without warning.</summary>
public class KilledSiloTests
{
    private const int Accounts = 1000;
    private const int Transfers = 3000;

    [Fact]
    public async Task Every_call_ends_by_an_answer_or_by_an_exception_of_the_engine()
    {
        IReadOnlyList<SiloProcess> silos = await SiloProcess.StartAsync(3);
        try
        {
            await using BankClient bank = await BankClient.ConnectAsync(silos);
            Assert.Equal(1000L * Accounts, await bank.GetTotalAsync(Accounts)); // all are there, on all silos
            int answers = 0;
            int failures = 0;
            Task calls = Parallel.ForEachAsync(Enumerable.Range(0, Transfers), new ParallelOptions { MaxDegreeOfParallelism = 200 }, async (number, _) =>
            {
                try
                {
                    await bank.TransferOnceAsync(Guid.NewGuid(), number % Accounts, ((number * 7) + 1) % Accounts, 1);
                    Interlocked.Increment(ref answers);
                }
                catch (Exception exception) when (exception is OrleansException or TimeoutException)
                {
                    Interlocked.Increment(ref failures);
                }
            });
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref answers) > Transfers / 10, TestSilo.Long));
            silos[2].Kill();
            await calls.WaitAsync(TestSilo.Long * 2); // the engine's own limit for a call is 30 seconds
            Assert.Equal(Transfers, answers + failures);
            await bank.TransferAsync(1, 2, 1).WaitAsync(TestSilo.Long); // and it goes on
        }
        finally
        {
            foreach (SiloProcess silo in silos.Reverse())
            {
                silo.Dispose();
            }
        }
    }
}
