using System.Globalization;
using System.Reflection;
using NativeGreenlet.Engines;
using NativeGreenlet.Engines.Orleans;

if (args is ["cell", var style, var wait, var number, var inFlight, var seconds])
{
    await Cell.RunAsync(style, wait, int.Parse(number, CultureInfo.InvariantCulture), int.Parse(inFlight, CultureInfo.InvariantCulture), double.Parse(seconds, CultureInfo.InvariantCulture));
    return 0;
}

return ResultsTable.Run(
    new Comparison(
        "orleans",
        $"Orleans {string.Join('.', typeof(Grain).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('.').Take(3))}",
        "grains",
        InFlight: 100,
        [
            new Row("green", "ask", "`[RunOnGreenlets]`, `Hub.Await(call)`"),
            new Row("async", "ask", "`async`, `await call`"),
            new Row("blocking", "ask", "`call.Wait()`"),
            new Row("green", "delay", "`[RunOnGreenlets]`, `Hub.Sleep(1)`"),
            new Row("async", "delay", "`async`, `await Task.Delay(1)`"),
            new Row("blocking", "delay", "`Thread.Sleep(1)`"),
            new Row("green", "yield", "`[RunOnGreenlets]`, `Hub.Yield()`"),
            new Row("async", "yield", "`async`, `await Task.Yield()`"),
            new Row("green", "none", "`[RunOnGreenlets]`"),
            new Row("async", "none", "`Task.FromResult`"),
        ],
        new Dictionary<string, string>
        {
            ["ask"] = "calls another grain",
            ["delay"] = "waits for a millisecond",
            ["yield"] = "lets others go first, once",
            ["none"] = "does not wait",
        }),
    args);
