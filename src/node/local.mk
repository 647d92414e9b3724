noinst_LTLIBRARIES += libiwfnode.la
libiwfnode_la_SOURCES = src/node/node.c src/node/node.h src/node/queue.c src/node/queue.h src/node/sender.c src/node/sender.h src/node/informer.c src/node/informer.h src/node/deadline.c src/node/deadline.h src/node/peers.c src/node/peers.h
