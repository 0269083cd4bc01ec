using NativeGreenlet.LegacyShop;

// A shop whose code blocks everywhere, and a hundred customers who come at the same time.
//   LegacyShop          requests on greenlets, in which the woven calls park
//   LegacyShop pool     requests on the thread pool, in which the same calls block
//   LegacyShop serve DATABASE SUPPLIER   the shop alone, on greenlets, until standard input ends
if (args is ["serve", var connection, var address])
{
    await using WebApplication served = Shop.Start(connection, address, isOnGreenlets: true);
    Console.WriteLine($"ready {new Uri(served.Urls.First()).Port}");
    await Task.Run(Console.In.ReadToEnd);
    return 0;
}

if (!Database.IsInstalled)
{
    Console.Error.WriteLine("PostgreSQL is not installed, which the shop keeps its products in. On Debian: apt-get install postgresql");
    return 1;
}

bool isOnGreenlets = args is not ["pool"];
const int Count = Database.Products;
using Database database = Database.Start();
using Customers customers = new(Count, isOnGreenlets ? TimeSpan.FromMinutes(2) : TimeSpan.FromSeconds(3));
await using WebApplication supplier = SupplierService.Start(customers.WaitAsync);
await using WebApplication shop = Shop.Start(database.ConnectionString, supplier.Urls.First(), isOnGreenlets);

bool areRight = await customers.AskAsync(shop.Urls.First());
Console.WriteLine($"of {Count} customers at the same time, {customers.Most} wait for the supplier at the same time");
Console.WriteLine($"the process has fewer than 40 threads meanwhile: {customers.HadFewThreads}");
Console.WriteLine($"all answers are right: {areRight}");
return 0;
