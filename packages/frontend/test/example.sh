export ETCDCTL_ENDPOINTS=http://127.0.0.1:2379   # every endpoint, with commas between them
export MSDHA_GROUP=db
export MSDHA_PORT=5432                           # listens here, and sends to this port of the master
export MSDHA_RUN_DIR=/run/msdha
msdha-frontend &
until msdha-frontend healthcheck --ready; do sleep 0.2; done   # until there is a master
msdha-frontend status
kill -TERM $!                                    # refuses new connections, lets sessions end for a while
wait
