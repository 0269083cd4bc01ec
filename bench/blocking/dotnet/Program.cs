using System.Globalization;
using NativeGreenlet.LegacyShop;

// What bench/blocking/measure.py measures, each as a process of its own. Prints "ready PORT WORDS"; ends when its standard input does.
//   database                        PostgreSQL with the shop's tables; the words are its connection string
//   supplier MILLISECONDS           the other company's service, which takes that long
//   pool|park|async DATABASE SUPPLIER   the shop
switch (args)
{
    case ["database"]:
        using (Database database = Database.Start())
        {
            await ReadyAsync(0, database.ConnectionString);
        }

        return 0;
    case ["supplier", var milliseconds]:
        TimeSpan time = TimeSpan.FromMilliseconds(int.Parse(milliseconds, CultureInfo.InvariantCulture));
        await using (WebApplication supplier = SupplierService.Start(() => Task.Delay(time)))
        {
            await ReadyAsync(new Uri(supplier.Urls.First()).Port, supplier.Urls.First());
        }

        return 0;
    case ["pool" or "park" or "async", var connection, var address]:
        await using (WebApplication shop = BenchShop.Start(args[0], connection, address))
        {
            await ReadyAsync(new Uri(shop.Urls.First()).Port, $".NET {Environment.Version}");
        }

        return 0;
    default:
        await Console.Error.WriteLineAsync("usage: database | supplier MILLISECONDS | pool|park|async DATABASE SUPPLIER");
        return 2;
}

static async Task ReadyAsync(int port, string words)
{
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ready {port} {words}"));
    await Console.In.ReadToEndAsync();
}
