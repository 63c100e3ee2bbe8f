// The assignors of Kafka's consumer over ZooKeeper (until 1.1), to compare ours with: how each group that is registered at an
// address would be divided, as its members compute it. A line for each partition:
//   group strategy topic-partition thread

import java.util.List;
import kafka.consumer.AssignmentContext;
import kafka.consumer.PartitionAssignor;
import kafka.consumer.RangeAssignor;
import kafka.consumer.RoundRobinAssignor;
import kafka.utils.ZkUtils;
import scala.Tuple2;
import scala.collection.Iterator;

public class OldAssignors {
    public static void main(String[] args) {
        ZkUtils zookeeper = ZkUtils.apply(args[0], 20000, 20000, false);
        for (String group : children(zookeeper, "/consumers"))
            for (String consumer : children(zookeeper, "/consumers/" + group + "/ids")) {
                AssignmentContext context = new AssignmentContext(group, consumer, true, zookeeper);
                print(group + " range ", new RangeAssignor(), context);
                print(group + " roundrobin ", new RoundRobinAssignor(), context);
            }
        zookeeper.close();
    }

    static void print(String prefix, PartitionAssignor assignor, AssignmentContext context) {
        Iterator<?> owned = assignor.assign(context).get(context.consumerId()).iterator();
        while (owned.hasNext()) {
            Tuple2<?, ?> each = (Tuple2<?, ?>) owned.next();
            System.out.println(prefix + each._1() + " " + each._2());
        }
    }

    static List<String> children(ZkUtils zookeeper, String path) {
        return scala.collection.JavaConversions.seqAsJavaList(zookeeper.getChildren(path));
    }
}
